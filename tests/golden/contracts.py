"""The contracts in the golden files: one in every state, brought there by the real operations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from governance.contract import entries
from governance.contract.operations import lapse_contract
from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.flows.audit_job import record_verdict
from governance.flows.propose_contract import record_verdicts
from governance.ledger.chain import append_entries
from governance.ledger.story import story
from governance.models import GovernanceJob, SystemContract
from governance.vocabulary.values import AuditVerdict
from tests.support import stories, succession
from tests.support.archives import discussed, resolved
from tests.support.cast import Cast
from tests.support.stories import MAY, MAY_NOT, VALIDATOR_VERDICT, Running, again

DAY = timedelta(days=1)


class Clock:
    """A clock that goes on by a second and a bit whenever somebody reads it."""

    time = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

    def now(self, _: Any = None) -> datetime:
        self.time += timedelta(seconds=1, microseconds=1)
        return self.time


CLOCK = Clock()


def validated(cast: Cast) -> SystemContract:
    """A VALIDATED contract; no operation of this version stops there."""
    contract, at = stories.draft(cast), CLOCK.now()
    with story():
        contract = SystemContract.objects.lock(contract.pk)
        contract.to_validated(validator_verdict=VALIDATOR_VERDICT)
        contract.save_change(["status", "validator_verdict", "confidence_score"], at=at)
        new_entries = [entries.validated(contract)]
        append_entries(contract_id=contract.pk, actor=cast.operator, at=at, entries=new_entries)
    return contract


# Values that programs like to serialize in different ways, each kind alone.
KEYS = {
    "\ue000": "a key that UTF-16 sorts after the next one",
    "\U0001f600": 'Grüße, "quoted" \\ \u2028 \x7f',
    "nothing": [None, True, False, "", [], {}],
}
WHOLE_NUMBERS = [0, -1, 2**53 - 1, 2.0, -10.0]
SMALL_NUMBERS = [0.1, 1e-7, 1e-300, -0.00001, -123.456]


def holding(value: Any) -> Callable[[Cast], SystemContract]:
    """What makes an ELIGIBLE contract that sets this value."""
    change = {"type": "configuration_update", "scope": "Search", "key": "value", "old_value": None}
    changes = [change | {"new_value": value}]
    return lambda cast: stories.eligible(cast, title="東京 😀", proposed_changes=changes)


def successor(cast: Cast) -> SystemContract:
    """An ELIGIBLE contract that took the place of one that a founder modified."""
    contract = succession.modified(cast)
    verdicts = {"validator_verdict": VALIDATOR_VERDICT, "eligibility_verdict": MAY}
    return record_verdicts(contract_id=contract.pk, actor=cast.operator, at=CLOCK.now(), **verdicts)


def may_not(cast: Cast) -> SystemContract:
    """A DRAFT that became REJECTED because its eligibility verdict said MAY_NOT."""
    verdicts = {"validator_verdict": VALIDATOR_VERDICT, "eligibility_verdict": MAY_NOT}
    contract = stories.draft(cast)
    return record_verdicts(contract_id=contract.pk, actor=cast.operator, at=CLOCK.now(), **verdicts)


def lapsed(cast: Cast) -> SystemContract:
    """An APPROVED contract that FAILED because its window passed."""
    contract = stories.approved(cast)
    CLOCK.time += 2 * DAY
    return lapse_contract(contract_id=contract.pk, actor=cast.operator, at=CLOCK.now())


def signed_twice(cast: Cast) -> SystemContract:
    """An APPROVED contract that needed two founders."""
    contract = stories.signed(cast, risk_level="high")
    return stories.signed(cast, contract, founder=cast.second_founder)


def completed(cast: Cast) -> SystemContract:
    """Two founders signed, PostgreSQL wrote the claim, and all steps were reported at once."""
    activate_contract(contract_id=signed_twice(cast).pk, actor=cast.operator, at=CLOCK.now())
    claimed = run_job.claim_job(executor=cast.executor, at=CLOCK.now())
    assert claimed
    running = Running(*claimed, cast)
    run_job.record_step_results(
        job_id=running.job.pk,
        token=running.token,
        reports=[running.report(index) for index in range(running.job.total_steps)],
        executor=cast.executor,
        at=CLOCK.now(),
    )
    return judged(cast, running.complete(), AuditVerdict.PASS)


def timed_out(cast: Cast) -> GovernanceJob:
    """A job that FAILED because its executor was silent after the first step."""
    running = stories.running_job(cast)
    running.complete_steps(1)
    CLOCK.time += DAY
    job_id = running.job.pk
    return run_job.fail_timed_out_job(job_id=job_id, actor=cast.operator, at=CLOCK.now())


def cancelled(cast: Cast) -> GovernanceJob:
    """A job that was cancelled before it started."""
    return Running(stories.pending_job(cast), "", cast).cancel()


def reported_in_part(cast: Cast) -> GovernanceJob:
    """A RUNNING job with results of two of its three steps."""
    running = stories.running_job(cast)
    running.complete_steps(2)
    return running.job


def judged(cast: Cast, job: GovernanceJob, verdict: AuditVerdict) -> SystemContract:
    """The contract of an ended job after its verdict, which holds one check."""
    record_verdict(
        job_id=job.pk,
        verdict=verdict,
        reason="The evidence shows it.",
        evidence_sha256=job.evidence.sha256,
        author=cast.auditor,
        at=CLOCK.now(),
        checks=[{"check": "every step has its result", "holds": verdict == AuditVerdict.PASS}],
    )
    return again(job.contract)


# The contracts, by the names of their files.
CONTRACTS: dict[str, Callable[[Cast], Any]] = {
    "draft": stories.draft,
    "validated": validated,
    "eligible": stories.eligible,
    "eligible-any-keys": holding(KEYS),
    "eligible-whole-numbers": holding(WHOLE_NUMBERS),
    "eligible-small-numbers": holding(SMALL_NUMBERS),
    "eligible-asked": stories.asked,
    "eligible-answered": stories.answered,
    "eligible-signed-once": lambda cast: stories.signed(cast, risk_level="high"),
    "eligible-successor": successor,
    "approved": stories.approved,
    "completed-signed-twice": completed,
    "completed-resolved": resolved,
    "failed-job-failed": lambda cast: judged(cast, stories.failed_job(cast), AuditVerdict.FAIL),
    "failed-job-cancelled": lambda cast: judged(cast, cancelled(cast), AuditVerdict.FAIL),
    "failed-window-lapsed": lapsed,
    "rejected": lambda cast: stories.contract_in(cast, "REJECTED"),
    "rejected-discussed": discussed,
    "rejected-may-not": may_not,
    "expired": lambda cast: stories.contract_in(cast, "EXPIRED"),
    "active-job-running": reported_in_part,
    "active-job-completed": stories.finished_job,
    "active-job-failed": timed_out,
    "active-job-cancelled": cancelled,
    "active-inconclusive": lambda cast: stories.judged_job(cast, AuditVerdict.INCONCLUSIVE),
    "active-job-pending": stories.pending_job,
}
