"""Executors that lie: each lie is caught by the check that names it, from what was observed.

The handlers `http`, `git` and `command` work against small real platforms, which their observers
read. Honest jobs pass the same checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.authorities.audit.judgement import Judgement, judge_evidence
from governance.authorities.executor import handlers
from governance.domain.values import ActivationWindow, AuditVerdict, HealthDecision, JobStatus
from governance.flows.activate_contract import activate_contract
from governance.flows.audit_by_machine import audit_job
from governance.flows.run_by_worker import run_job_by_worker
from governance.flows.start_job import start_job
from governance.models import GovernanceJob
from governance.services.registry.operations import register_capabilities
from tests.support import lying_platforms
from tests.support.audits import auditor_inside
from tests.support.factories import Running, approved, now, pending_job, reloaded
from tests.support.lying_platforms import PLATFORMS, Lie, LyingPlatform
from tests.support.platform import signal
from tests.support.routing import routes_file
from tests.support.users import Users

PASS, FAIL, INCONCLUSIVE = AuditVerdict.PASS, AuditVerdict.FAIL, AuditVerdict.INCONCLUSIVE
BILLING = {"limit": 20, "currency": "EUR"}
BEGIN = {"Billing": BILLING, "Sync": {"limit": 5}}
LIMIT_50 = {
    "type": "configuration_update",
    "scope": "Billing",
    "key": "limit",
    "old_value": 20,
    "new_value": 50,
}
# What an honest executor reports, whose word every liar repeats.
REPORT = {"did": "limit set", "state_before": {"limit": 20}, "state_after": {"limit": 50}}
ELSEWHERE = {**LIMIT_50, "scope": "Sync", "new_value": 5}

kinds = pytest.mark.parametrize("kind", PLATFORMS)


def platform(sync: Any = 5, **billing: Any) -> dict[str, Any]:
    return {"Billing": BILLING | billing, "Sync": {"limit": sync}}


@pytest.fixture
def site(users: Users, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Users:
    settings.GOVSITE_SECRETS_DIR = str(tmp_path)
    name = f"{lying_platforms.__name__}:make_lying_git_handler"
    monkeypatch.setitem(handlers.FACTORIES, "git", name)
    register_capabilities(
        documents=[
            {"name": "Billing", "configuration": BILLING},
            {"name": "Sync", "configuration": {"limit": 5}},
        ]
    )
    return users


@contextmanager
def routed(kind: str, folder: Path, lie: Lie, *, handler: str = "") -> Iterator[LyingPlatform]:
    """Serve a platform that lies, and let the routes of the site name it."""
    with (
        PLATFORMS[kind](BEGIN, lie, folder) as liar,
        routes_file(liar.routes(handler=handler)),
    ):
        yield liar


def job_on(users: Users, *scopes: str) -> GovernanceJob:
    return pending_job(
        users, affected_capabilities=list(scopes or ["Billing"]), proposed_changes=[LIMIT_50]
    )


def judgement_of(job: GovernanceJob) -> Judgement:
    return judge_evidence(reloaded(job).evidence.document)


def failed_checks(judgement: Judgement) -> dict[str, str]:
    """Return the reasons of the checks that failed, by check; no other check is INCONCLUSIVE."""
    assert judgement.count(INCONCLUSIVE) == 0, judgement
    return {one.check_id: one.reason for one in judgement.checks if one.outcome is FAIL}


# --- lies of handlers ---
@kinds
def test_honest_handler__passes(site: Users, tmp_path: Path, kind: str) -> None:
    # The handler `git` is the real one here; the other platforms do what they report.
    lie = Lie(platform(limit=50), None if kind == "git" else REPORT)
    with routed(kind, tmp_path, lie):
        job = job_on(site)
        assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED
        judgement = judgement_of(job)
        assert (judgement.verdict, failed_checks(judgement)) == (PASS, {})
        with auditor_inside():
            verdict = audit_job(job_id=job.pk)
            assert verdict is not None
            assert verdict.verdict == PASS


@kinds
@pytest.mark.parametrize(
    ("held", "check", "words"),
    [
        (BEGIN, "A-003", '"limit" of Billing is 20 after step 1, but the plan sets 50.'),
        (platform(limit=51), "A-003", '"limit" of Billing is 51 after step 1'),
        (platform(limit="50"), "A-003", '"limit" of Billing is "50" after step 1'),
        (platform(sync=50), "A-003", '"limit" of Billing is 20 after step 1'),
        (platform(limit=80), "A-003", '"limit" of Billing is 80 after step 1'),
        (
            platform(limit=50, currency="USD"),
            "A-007",
            '"currency" of Billing changed from "EUR" to "USD", which no step of the job does.',
        ),
        (platform(limit=50, more=1), "A-007", '"more" of Billing changed from no value to 1'),
        (
            platform(limit=50, lifecycle="LAUNCHED"),
            "A-007",
            'the lifecycle of Billing changed from "DISABLED" to "LAUNCHED"',
        ),
    ],
    ids=[
        *("nothing", "another value", "another type", "another target", "twice"),
        *("more than the plan", "a new key", "a lifecycle"),
    ],
)
def test_handler__that_does_something_else_and_reports_success__fails_by_observation(
    site: Users, tmp_path: Path, kind: str, held: Any, check: str, words: str
) -> None:
    with routed(kind, tmp_path, Lie(held, REPORT)):
        job = job_on(site)
        assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED
    judgement = judgement_of(job)
    assert judgement.verdict is FAIL
    failed = failed_checks(judgement)
    assert set(failed) == {check}
    assert words.lower() in failed[check].lower()
    # The report alone would have passed.
    [result] = reloaded(job).evidence.document["step_results"]
    assert (result["status"], result["output"]["state_after"]) == ("COMPLETED", {"limit": 50})


@kinds
def test_handler__that_changes_another_capability_of_the_contract__fails_by_both_checks(
    site: Users, tmp_path: Path, kind: str
) -> None:
    with routed(kind, tmp_path, Lie(platform(sync=50), REPORT)):
        job = job_on(site, "Billing", "Sync")
        assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED
    failed = failed_checks(judgement_of(job))
    assert set(failed) == {"A-003", "A-007"}
    assert '"limit" of Sync changed from 5 to 50' in failed["A-007"]


@kinds
@pytest.mark.parametrize(
    ("report", "check", "words"),
    [
        ({"state_before": {"limit": 49}}, "A-003", "but the observer found 20"),
        ({"state_after": {"limit": 51}}, "A-003", "reported 51"),
        ({"rollback_action": ELSEWHERE}, "A-001", "Step 1 reported a change of Sync"),
    ],
    ids=["forged state before", "another value", "another target"],
)
def test_handler__that_does_the_plan_and_reports_something_else__fails(
    site: Users, tmp_path: Path, kind: str, report: Any, check: str, words: str
) -> None:
    with routed(kind, tmp_path, Lie(platform(limit=50), REPORT | report)):
        job = job_on(site)
        assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED
    failed = failed_checks(judgement_of(job))
    assert set(failed) == {check}
    assert words in failed[check]


# --- lies of executors over HTTP, on platforms that are observed ---
def started(users: Users, *, minutes: int = 60) -> Running:
    """Return a job that an executor started; its window closes so many minutes later."""
    at = now()
    contract = approved(
        users,
        at=at,
        window=ActivationWindow(at, at + timedelta(minutes=minutes)),
        affected_capabilities=["Billing"],
        proposed_changes=[LIMIT_50],
    )
    job = activate_contract(contract_id=contract.pk, actor=users.operator)
    return Running(*start_job(job.pk, executor=users.executor), users)


@kinds
def test_executor__that_works_after_the_window__fails_by_a_004(
    site: Users, tmp_path: Path, kind: str
) -> None:
    with routed(kind, tmp_path, Lie(), handler="client") as liar:
        running = started(site, minutes=3)
        liar.set_state(platform(limit=50))
        late = now() + timedelta(minutes=4)
        at = running.job.started_at
        # It says that it did the step at once.
        running.record(running.report(0, completed_at=at), at=late)
        job = running.complete(at=late)
    failed = failed_checks(judgement_of(job))
    assert failed.keys() == {"A-004"}
    assert "The job ended after its activation window had closed." in failed["A-004"]


@kinds
def test_executor__that_reports_good_health__does_not_hide_a_signal(
    site: Users, tmp_path: Path, kind: str
) -> None:
    with routed(kind, tmp_path, Lie(), handler="client") as liar:
        running = started(site)
        liar.set_state(platform(limit=50))
        signal(site, HealthDecision.BLOCKED, "Billing")
        well = {"system": "HEALTHY", "target": "HEALTHY"}
        running.record(running.report(0, health_after=well))
        job = running.complete()
    failed = failed_checks(judgement_of(job))
    assert failed.keys() == {"A-002", "A-006"}
    assert "Billing was HEALTHY before the job and BLOCKED after it." in failed["A-002"]


@kinds
def test_executor__that_does_nothing_and_reports_success__fails_by_observation(
    site: Users, tmp_path: Path, kind: str
) -> None:
    with routed(kind, tmp_path, Lie(), handler="client"):
        running = started(site)
        running.record(running.report(0, output=REPORT))
        job = running.complete()
    assert failed_checks(judgement_of(job)).keys() == {"A-003"}


@kinds
def test_change__beside_the_job_in_its_scope__fails_by_a_007(
    site: Users, tmp_path: Path, kind: str
) -> None:
    with routed(kind, tmp_path, Lie(), handler="client") as liar:
        running = started(site)
        running.record(running.report(0, output=REPORT))
        liar.set_state(platform(limit=50, currency="CHF"))
        job = running.complete()
    failed = failed_checks(judgement_of(job))
    assert failed.keys() == {"A-007"}
    assert '"currency" of Billing changed from "EUR" to "CHF"' in failed["A-007"]


# --- platforms that nobody observes ---
@pytest.mark.parametrize(("trusts", "verdict"), [(False, INCONCLUSIVE), (True, PASS)])
def test_executor__that_nobody_observes__is_inconclusive_or_trusted_in_words(
    site: Users, trusts: bool, verdict: AuditVerdict
) -> None:
    route = f"""
[[route]]
scopes = "*"
change_types = "*"
handler = "client"
trust_reports = {str(trusts).lower()}
"""
    with routes_file(route):
        running = started(site)
        running.record(running.report(0, output=REPORT))
        job = running.complete()
        judgement = judgement_of(job)
        assert judgement.verdict is verdict
        assert ("trust" in judgement.reason) is trusts
        if not trusts:
            assert {one.check_id for one in judgement.checks if one.outcome is INCONCLUSIVE} == {
                "A-003",
                "A-007",
            }


def test_observer__that_does_not_answer__leaves_the_verdict_open_with_its_reason(
    site: Users, tmp_path: Path
) -> None:
    with routed("http", tmp_path, Lie(), handler="client"):
        running = started(site)
    broken = LyingPlatform("git", "", 'repository = "/absent"\nfile = "a.json"\n', print)
    with routes_file(broken.routes(handler="client")):
        running.record(running.report(0, output=REPORT))
        judgement = judgement_of(running.complete())
    assert judgement.verdict is INCONCLUSIVE
    assert "must be the folder of a bare repository" in judgement.reason
