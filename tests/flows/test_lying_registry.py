"""Liars on the registry itself, and jobs that run beside each other.

A handler of `registry` cannot leave a value unwritten: the registry follows the report in its
transaction. It can report another value, or let somebody write another row beside the job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections

from governance.authorities.audit.judgement import judge_evidence
from governance.authorities.executor.steps import Step, StepOutcome
from governance.domain.values import AuditVerdict, JobStatus
from governance.flows import run_by_worker
from governance.flows.registry_steps import RegistryHandler
from governance.flows.run_by_worker import run_job_by_worker
from governance.models import GovernanceJob
from governance.services.registry.operations import register_capabilities
from tests.support import registry
from tests.support.factories import pending_job, reloaded
from tests.support.repositories import FILE, bare_repository
from tests.support.routing import routes_file
from tests.support.users import Users

PASS, FAIL = AuditVerdict.PASS, AuditVerdict.FAIL
CAPABILITIES = ("Billing", "Sync")
VALUES = {"limit": 20, "currency": "EUR"}
During = Callable[[Step], Any]


class MeddlingHandler(RegistryHandler):
    """The handler of the registry, beside which something else happens in each step."""

    during: During = staticmethod(lambda step: None)
    report: Callable[[StepOutcome], StepOutcome] = staticmethod(lambda outcome: outcome)

    def run_step(self, step: Step) -> StepOutcome:
        outcome = super().run_step(step)
        try:
            type(self).during(step)
        finally:
            connection.close()
        return type(self).report(outcome)


@pytest.fixture
def site(committed: Users, monkeypatch: pytest.MonkeyPatch) -> Iterator[Users]:
    register_capabilities(
        documents=[{"name": name, "configuration": VALUES} for name in CAPABILITIES]
    )
    monkeypatch.setattr(
        run_by_worker, "make_registry_handler", lambda options, secrets: MeddlingHandler()
    )
    run_by_worker._handlers_of.cache_clear()
    with routes_file():
        yield committed
    run_by_worker._handlers_of.cache_clear()


def meddle(monkeypatch: pytest.MonkeyPatch, **parts: Any) -> None:
    for name, function in parts.items():
        monkeypatch.setattr(MeddlingHandler, name, staticmethod(function))


def job_on(users: Users, scope: str = "Billing", **values: Any) -> GovernanceJob:
    """Return a job of one step for each value, by default a limit of 50."""
    changes = [
        {"type": "parameter_change", "scope": scope, "parameters": {key: value}}
        for key, value in (values or {"limit": 50}).items()
    ]
    return pending_job(users, affected_capabilities=[scope], proposed_changes=changes)


def ran(job: GovernanceJob) -> tuple[AuditVerdict, dict[str, str]]:
    """Let a worker run a job; return the verdict, and the reasons of the checks that failed."""
    assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED
    return judged(job)


def judged(job: GovernanceJob) -> tuple[AuditVerdict, dict[str, str]]:
    judgement = judge_evidence(reloaded(job).evidence.document)
    return judgement.verdict, {
        one.check_id: one.reason for one in judgement.checks if one.outcome is not PASS
    }


# --- the registry ---
def test_honest_handler__passes_and_the_reason_names_the_shared_database(site: Users) -> None:
    job = job_on(site)
    assert ran(job) == (PASS, {})
    assert "database" in judge_evidence(reloaded(job).evidence.document).reason


def test_handler__that_reports_another_value__fails_by_a_003(
    site: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    meddle(monkeypatch, report=lambda outcome: replace(outcome, state_after={"limit": 51}))
    verdict, failed = ran(job_on(site))
    assert (verdict, failed.keys()) == (FAIL, {"A-003"})
    assert registry.values_of("Billing")["limit"] == 50


def test_handler__that_reports_no_value__is_judged_by_what_was_observed(
    site: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    meddle(monkeypatch, report=lambda outcome: StepOutcome(did="nothing, it says"))
    assert ran(job_on(site)) == (PASS, {})
    assert registry.values_of("Billing")["limit"] == 50


def test_import__of_another_row_beside_the_job__fails_by_a_007(
    site: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    meddle(monkeypatch, during=lambda step: registry.set_value("Billing", "currency", "USD"))
    verdict, failed = ran(job_on(site))
    assert (verdict, failed.keys()) == (FAIL, {"A-007"})
    assert '"currency" of Billing changed from "EUR" to "USD"' in failed["A-007"]


def test_import__that_undoes_a_step_beside_the_job__fails_by_a_003(
    site: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    def undo(step: Step) -> None:
        if step.step_index == 1:
            registry.set_value("Billing", "limit", 20)

    meddle(monkeypatch, during=undo)
    verdict, failed = ran(job_on(site, limit=50, more=1))
    assert (verdict, failed.keys()) == (FAIL, {"A-003"})
    assert '"limit" of Billing is 20 after the job, but the plan sets 50.' in failed["A-003"]


def test_import__on_another_capability_beside_the_job__is_none_of_its_business(
    site: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    meddle(monkeypatch, during=lambda step: registry.set_value("Sync", "currency", "USD"))
    assert ran(job_on(site)) == (PASS, {})


# --- jobs beside each other ---
def run_together(jobs: list[GovernanceJob]) -> list[JobStatus | None]:
    def work(job: GovernanceJob) -> JobStatus | None:
        try:
            return run_job_by_worker(job_id=job.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as workers:
        return list(workers.map(work, jobs))


def test_two_honest_jobs__at_the_same_time_in_the_registry__both_pass(
    site: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = Barrier(2)
    meddle(monkeypatch, during=lambda step: together.wait(20))
    jobs = [job_on(site, name) for name in CAPABILITIES]
    assert run_together(jobs) == [JobStatus.COMPLETED] * 2
    assert [judged(job) for job in jobs] == [(PASS, {})] * 2


def test_two_honest_jobs__at_the_same_time_in_one_file__both_pass(
    site: Users, tmp_path: Path
) -> None:
    repository = bare_repository(tmp_path, dict.fromkeys(CAPABILITIES, VALUES))
    options = f'{{repository = "{repository.path}", file = "{FILE}"}}'
    route = f"""
[[route]]
scopes = "*"
change_types = "*"
handler = "git"
observer = "git"
options = {options}
observer_options = {options}
"""
    with routes_file(route):
        jobs = [job_on(site, name, limit=50, more=1) for name in CAPABILITIES]
        assert run_together(jobs) == [JobStatus.COMPLETED] * 2
    assert [judged(job) for job in jobs] == [(PASS, {})] * 2
    assert repository.document() == dict.fromkeys(CAPABILITIES, VALUES | {"limit": 50, "more": 1})
