"""Jobs that a worker runs by the built-in handlers: what targets hold, and what is recorded."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from governance.domain.values import JobStatus
from governance.flows.run_by_worker import run_job_by_worker
from governance.models import GovernanceJob, HandlerBreaker, StepResult
from governance.services.registry.operations import register_capabilities
from tests.support.factories import pending_job
from tests.support.repositories import FILE, BareRepository, bare_repository
from tests.support.routing import routes_file
from tests.support.steps import write_secret
from tests.support.targets import FakeTarget, answer, fake_target
from tests.support.users import Users

CAPABILITIES = ("Search", "Sync")
ROUTE = '[[route]]\nscopes = "*"\nchange_types = "*"\nhandler = "{handler}"\n[route.options]\n'
USER = 'user = "nobody"\n' if os.geteuid() == 0 else "max_processes = 4096\n"


@pytest.fixture
def site(committed: Users, tmp_path: Path, settings: Any) -> Users:
    """A site with two capabilities, and with the secret of a target."""
    settings.GOVSITE_SECRETS_DIR = str(tmp_path)
    write_secret(tmp_path, "hook", "whsec_" + b64encode(b"k" * 32).decode())
    register_capabilities(
        documents=[{"name": name, "configuration": {"page_size": 20}} for name in CAPABILITIES]
    )
    return committed


def job_on(users: Users, capability: str, **values: Any) -> GovernanceJob:
    """Return a PENDING job of one step for each value."""
    changes = [
        {"type": "parameter_change", "scope": capability, "parameters": {key: value}}
        for key, value in values.items()
    ]
    return pending_job(users, affected_capabilities=[capability], proposed_changes=changes)


def errors_of(job: GovernanceJob) -> list[str]:
    return list(
        StepResult.objects.filter(job=job).order_by("step_index").values_list("error", flat=True)
    )


def route_to_git(repository: BareRepository) -> str:
    options = f'repository = "{repository.path}"\nfile = "{FILE}"\n'
    return ROUTE.format(handler="git") + options


def route_to(target: FakeTarget) -> str:
    options = f'url = "{target.url}"\nsecret = "secret://hook"\nallow_private = true\n'
    return ROUTE.format(handler="http") + options


# --- git ---
def test_jobs__of_two_workers_while_a_person_pushes__lose_no_commit(
    site: Users, tmp_path: Path
) -> None:
    repository = bare_repository(tmp_path, {name: {"page_size": 20} for name in CAPABILITIES})
    with routes_file(route_to_git(repository)):
        jobs = [job_on(site, name, page_size=50, a=1, b=2) for name in CAPABILITIES]

        def work(job: GovernanceJob) -> JobStatus | None:
            try:
                return run_job_by_worker(job_id=job.pk)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as workers:
            ended = [workers.submit(work, job) for job in jobs]
            for number in range(4):
                repository.person_sets("BY_HAND", f"p{number}", number)
    assert [one.result() for one in ended] == [JobStatus.COMPLETED] * 2
    assert repository.document() == {
        **{name: {"page_size": 50, "a": 1, "b": 2} for name in CAPABILITIES},
        "BY_HAND": {f"p{number}": number for number in range(4)},
    }
    assert len(repository.commits()) == 2 + 6 + 4


def test_job__whose_value_a_person_changed__fails_at_its_step_with_words(
    site: Users, tmp_path: Path
) -> None:
    repository = bare_repository(tmp_path, {"Search": {"page_size": 20}})
    with routes_file(route_to_git(repository)):
        job = job_on(site, "Search", limit=1, page_size=50, after=1)
        repository.person_sets("Search", "page_size", 35)
        assert run_job_by_worker(job_id=job.pk) is JobStatus.FAILED
    [first, second] = errors_of(job)
    assert first == ""
    assert second.startswith("Conflict: the file has page_size = 35 in Search")
    assert repository.document() == {"Search": {"page_size": 35, "limit": 1}}
    assert not HandlerBreaker.objects.exclude(state="CLOSED").exists()


# --- http ---
def test_job__whose_target_does_it__completes_with_what_the_target_says(site: Users) -> None:
    done = answer("200 OK", {"state_before": 20, "state_after": 50})
    with fake_target(done) as target, routes_file(route_to(target)):
        job = job_on(site, "Search", page_size=50)
        assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED, errors_of(job)
    [(_, body)] = target.requests
    assert json.loads(body)["data"]["job_id"] == str(job.pk)
    assert StepResult.objects.get(job=job).output["state_after"] == 50


@pytest.mark.parametrize(
    ("answering", "words", "breakers"),
    [
        (answer("409 Conflict", b"locked"), "refused the step with 409: locked", 0),
        (answer("500 Oops", b"no database"), "answered 500: no database", 1),
        (answer("302 Found", b"", "Location: /"), "the redirect 302", 1),
    ],
)
def test_job__whose_target_does_not_do_it__fails_with_words_and_is_not_repeated(
    site: Users, answering: Any, words: str, breakers: int
) -> None:
    with fake_target(answering) as target, routes_file(route_to(target)):
        job = job_on(site, "Search", page_size=50, after=1)
        assert run_job_by_worker(job_id=job.pk) is JobStatus.FAILED
        assert run_job_by_worker(job_id=job.pk) is None
    assert len(target.requests) == 1
    [error] = errors_of(job)
    assert words in error
    assert HandlerBreaker.objects.exclude(state="CLOSED").count() == breakers


# --- command ---
def test_job__run_by_a_program__completes_with_what_the_program_says(site: Users) -> None:
    script = """read -r step; printf '{"state_before": 20, "state_after": 50}'"""
    options = f'argv = ["/bin/sh", "-c", {json.dumps(script)}]\n{USER}'
    with routes_file(ROUTE.format(handler="command") + options):
        job = job_on(site, "Search", page_size=50)
        assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED, errors_of(job)
    assert StepResult.objects.get(job=job).output["did"] == "ran sh"
