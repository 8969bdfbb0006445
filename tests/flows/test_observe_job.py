"""The observation of jobs: by the observers of the site's routes, at the start, steps and end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from governance.authorities.executor.machine import EXECUTOR_VERSION
from governance.domain.values import JobStatus
from governance.flows import observe_job, run_job, start_job
from governance.flows.run_by_worker import run_job_by_worker
from governance.models import GovernanceJob, Observation, ObservedState
from governance.services.registry.operations import register_capabilities
from tests.support.clock import as_of
from tests.support.factories import Running, pending_job, running_job
from tests.support.routing import routes_file
from tests.support.targets import FakeTarget, answer, fake_target
from tests.support.users import Users

STATE = {"lifecycle": "PREVIEW", "configuration": {"page_size": 50}}
ROUTE = """
[[route]]
scopes = "*"
change_types = "*"
handler = "client"
observer = "http"

[route.observer_options]
url = "http://127.0.0.1:{port}/{{scope}}"
allow_private = true
"""
OBSERVED_REGISTRY = """
[[route]]
scopes = "*"
change_types = "*"
handler = "registry"
"""


@contextmanager
def observed_target(status: str = "200 OK", body: Any = STATE) -> Iterator[FakeTarget]:
    """Serve a platform that an observer reads, and let the site's routes name it."""
    with fake_target(answer(status, body)) as target, routes_file(ROUTE.format(port=target.port)):
        yield target


def claimed(users: Users, job: GovernanceJob | None = None) -> Running:
    """Return a job that an executor claimed over the flow of the API."""
    job = job or pending_job(users)
    found = start_job.claim_job(executor=users.executor)
    assert found is not None
    assert found[0].pk == job.pk
    return Running(*found, users)


def observations_of(job: GovernanceJob) -> dict[str, Any]:
    document: dict[str, Any] = job.evidence.document["observations"]
    return document


# --- an executor over HTTP ---
def test_job_of_a_client__with_an_observer__is_observed_before_and_after(users: Users) -> None:
    with observed_target() as target:
        running = claimed(users)
        running.complete_steps()
        job = running.complete()
    assert len(target.paths) == 2  # the client's reports are not observed
    observations = observations_of(job)
    for phase in ("before", "after"):
        [seen] = observations[phase]
        assert (seen["scope"], seen["observer"], seen["state"]) == ("Search", "http", STATE)
    assert observations["steps"] == []
    [route] = {json.dumps(one | {"step_index": 0}) for one in job.evidence.document["routes"]}
    assert json.loads(route) == {
        "step_index": 0,
        "handler": "client",
        "observer": "http",
        "trust_reports": False,
        "shares_database": False,
    }
    assert job.evidence.document["executor_version"] is None


def test_started_job__with_an_observer__is_observed_before_its_first_step(users: Users) -> None:
    job = pending_job(users)
    with observed_target():
        started, _ = start_job.start_job(job.pk, executor=users.executor)
    assert [one.phase for one in Observation.objects.filter(job=started)] == ["BEFORE"]
    assert ObservedState.objects.get().state == STATE


def test_target__that_does_not_answer__is_on_record_with_the_reason(users: Users) -> None:
    with observed_target("500 Broken", b"out of order"):
        running = claimed(users)
        running.complete_steps()
        [seen] = observations_of(running.complete())["after"]
    assert seen["state"] is None
    assert "500" in seen["trouble"]
    assert "500" in ObservedState.objects.get().trouble


def test_job__without_an_observer__has_no_observations(users: Users) -> None:
    running = claimed(users)
    running.complete_steps()
    assert observations_of(running.complete()) == {"before": None, "steps": [], "after": None}
    assert start_job.claim_job(executor=users.executor) is None


def test_cancelled_job__that_never_started__is_not_observed(users: Users) -> None:
    job = pending_job(users)
    with observed_target() as target:
        ended = run_job.cancel_job(job_id=job.pk, reason="No longer wanted.", actor=users.operator)
    assert target.paths == []
    assert observations_of(ended)["after"] is None


def test_lost_job__ended_by_a_sweep__is_sealed_without_observations(users: Users) -> None:
    with observed_target() as target:
        running = claimed(users)
        late = running.job.started_at + timedelta(hours=3)
        ended = as_of(late, run_job.fail_timed_out_job, job_id=running.job.pk, actor=users.operator)
    assert len(target.paths) == 1
    observations = observations_of(ended)
    assert observations["before"] is not None
    assert observations["after"] is None


# --- a worker ---
def test_job_of_a_worker__on_the_registry__is_observed_before_and_after(committed: Users) -> None:
    register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 20}}])
    with routes_file(OBSERVED_REGISTRY):
        job = pending_job(committed)
        assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED
    document = GovernanceJob.objects.get(pk=job.pk).evidence.document
    [before], [after] = (document["observations"][phase] for phase in ("before", "after"))
    assert before["state"] == {"lifecycle": "DISABLED", "configuration": {"page_size": 20}}
    assert after["state"]["configuration"] == {"page_size": 50, "timeout_seconds": 2.5}
    assert document["observations"]["steps"] == []
    assert document["executor_version"] == EXECUTOR_VERSION
    assert all(one["shares_database"] for one in document["routes"])
    assert not ObservedState.objects.exists()


def test_job_of_a_worker__on_another_platform__is_observed_after_each_step(
    committed: Users,
) -> None:
    with observed_target() as target:
        running = running_job(committed)
        running.record(running.report(0))
        observe_job.observe_step(
            running.job.pk, step_index=0, target="Search", now=running.job.started_at
        )
    assert len(target.paths) == 1
    [seen] = Observation.objects.filter(job=running.job)
    assert (seen.phase, seen.step_index, seen.state) == ("STEP", 0, STATE)


# --- what goes wrong ---
def test_routes__that_cannot_be_used__keep_no_job_from_its_end(users: Users) -> None:
    job = pending_job(users)
    with routes_file("[[route]]\nhandler = 'nobody'\n"):
        running = claimed(users, job)
        running.complete_steps()
        document = running.complete().evidence.document
    assert document["routes"] is None
    assert document["observations"]["after"] is None


def test_database__that_fails_while_a_start_is_observed__keeps_no_job_from_its_start(
    users: Users, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise OperationalError("The connection is lost.")

    monkeypatch.setattr(observe_job, "observe_scopes", fail)
    with observed_target():
        running = claimed(users)
    assert running.token
    assert "not observed: The connection is lost." in caplog.text


def test_observation__after_the_first_report__is_refused_and_logged(
    committed: Users, caplog: pytest.LogCaptureFixture
) -> None:
    running = running_job(committed)
    running.complete_steps(1)
    with observed_target():
        observe_job.observe_before(running.job)
    assert "not observed" in caplog.text
    assert not Observation.objects.exists()
