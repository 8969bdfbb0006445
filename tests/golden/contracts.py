"""The contracts of the golden files: one in every state, made by the real operations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from governance.authorities.contract import ledger_entries
from governance.authorities.contract.operations import fail_contract_past_window
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.db.transactions import write_transaction
from governance.domain.values import AuditVerdict
from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.flows.audit_job import record_verdict
from governance.flows.propose_contract import record_review_verdicts
from governance.models import GovernanceJob, SystemContract
from governance.record.ledger.chain import append_entries, lock_contract
from tests.support import factories, succession
from tests.support.archives import discussed, resolved
from tests.support.clock import as_of, now
from tests.support.factories import MAY, MAY_NOT, VALIDATOR_VERDICT, Running, reloaded
from tests.support.users import Users

DAY = timedelta(days=1)


def validated(users: Users) -> SystemContract:
    """Return a VALIDATED contract; no operation of this version leaves one."""
    drafted = factories.draft(users)
    with write_transaction():
        contract, at = lock_contract(drafted.pk)
        contract.to_validated(validator_verdict=VALIDATOR_VERDICT)
        contract.save_change(["status", "validator_verdict", "confidence_score"], at=at)
        new_entries = [ledger_entries.validation_entry(contract)]
        append_entries(contract_id=contract.pk, actor=users.operator, at=at, entries=new_entries)
    return contract


# Values that JSON libraries serialize differently, each kind in a contract of its own.
KEYS = {
    "\ue000": "a key that UTF-16 sorts after the next one",
    "\U0001f600": 'Grüße, "quoted" \\ \u2028 \x7f',
    "nothing": [None, True, False, "", [], {}],
}
WHOLE_NUMBERS = [0, -1, 2**53 - 1, 2.0, -10.0]
SMALL_NUMBERS = [0.1, 1e-7, 1e-300, -0.00001, -123.456]


def holding(value: Any) -> Callable[[Users], SystemContract]:
    """Return a factory of an ELIGIBLE contract whose change has this value."""
    change = {"type": "configuration_update", "scope": "Search", "key": "value", "old_value": None}
    changes = [change | {"new_value": value}]
    return lambda users: factories.eligible(users, title="東京 😀", proposed_changes=changes)


def successor(users: Users) -> SystemContract:
    """Return an ELIGIBLE contract that succeeds one whose scope was modified."""
    contract = succession.modified(users)
    verdicts = {"validator_verdict": VALIDATOR_VERDICT, "eligibility_verdict": MAY}
    return record_review_verdicts(contract_id=contract.pk, actor=users.operator, **verdicts)


def may_not(users: Users) -> SystemContract:
    """Return a contract that was a DRAFT and is REJECTED by the verdict MAY_NOT."""
    verdicts = {"validator_verdict": VALIDATOR_VERDICT, "eligibility_verdict": MAY_NOT}
    contract = factories.draft(users)
    return record_review_verdicts(contract_id=contract.pk, actor=users.operator, **verdicts)


def lapsed(users: Users) -> SystemContract:
    """Return a contract that was APPROVED and is FAILED because its window passed."""
    contract = factories.approved(users)
    lapse = {"contract_id": contract.pk, "actor": users.operator}
    return as_of(now() + 2 * DAY, fail_contract_past_window, **lapse)


def signed_twice(users: Users) -> SystemContract:
    """Return an APPROVED contract with the signatures of two founders."""
    contract = factories.signed(users, risk_level="high")
    return factories.signed(users, contract, founder=users.second_founder)


def completed(users: Users) -> SystemContract:
    """Return a COMPLETED contract: two signatures, a claimed job, all steps in one report."""
    activate_contract(contract_id=signed_twice(users).pk, actor=users.operator)
    claimed = GovernanceOrchestrator.claim_job(executor=users.executor)
    assert claimed
    running = Running(*claimed, users)
    GovernanceOrchestrator.record_step_results(
        job_id=running.job.pk,
        token=running.token,
        reports=[running.report(index) for index in range(running.job.total_steps)],
        executor=users.executor,
    )
    return judged(users, running.complete(), AuditVerdict.PASS)


def timed_out(users: Users) -> GovernanceJob:
    """Return a job that FAILED because its lease expired after the first report."""
    running = factories.running_job(users)
    running.complete_steps(1)
    end = {"job_id": running.job.pk, "actor": users.operator}
    return as_of(now() + DAY, run_job.fail_timed_out_job, **end)


def cancelled(users: Users) -> GovernanceJob:
    """Return a job that was cancelled before it started."""
    return Running(factories.pending_job(users), "", users).cancel()


def reported_in_part(users: Users) -> GovernanceJob:
    """Return a RUNNING job with results of two of its three steps."""
    running = factories.running_job(users, **factories.apart())
    running.complete_steps(2)
    return running.job


def judged(users: Users, job: GovernanceJob, verdict: AuditVerdict) -> SystemContract:
    """Give a verdict with one check on an ended job, and return its contract."""
    record_verdict(
        job_id=job.pk,
        verdict=verdict,
        reason="The evidence shows it.",
        evidence_sha256=job.evidence.sha256,
        author=users.auditor,
        checks=[{"check": "every step has its result", "holds": verdict == AuditVerdict.PASS}],
    )
    return reloaded(job.contract)


# The factories of the contracts, by the names of their files.
CONTRACTS: dict[str, Callable[[Users], Any]] = {
    "draft": factories.draft,
    "validated": validated,
    "eligible": factories.eligible,
    "eligible-any-keys": holding(KEYS),
    "eligible-whole-numbers": holding(WHOLE_NUMBERS),
    "eligible-small-numbers": holding(SMALL_NUMBERS),
    "eligible-asked": factories.asked,
    "eligible-answered": factories.answered,
    "eligible-signed-once": lambda users: factories.signed(users, risk_level="high"),
    "eligible-successor": successor,
    "approved": factories.approved,
    "completed-signed-twice": completed,
    "completed-resolved": resolved,
    "failed-job-failed": lambda users: judged(
        users, factories.failed_job(users), AuditVerdict.FAIL
    ),
    "failed-job-cancelled": lambda users: judged(users, cancelled(users), AuditVerdict.FAIL),
    "failed-window-lapsed": lapsed,
    "rejected": lambda users: factories.contract_in(users, "REJECTED"),
    "rejected-discussed": discussed,
    "rejected-may-not": may_not,
    "expired": lambda users: factories.contract_in(users, "EXPIRED"),
    "active-job-running": reported_in_part,
    "active-job-completed": factories.finished_job,
    "active-job-failed": timed_out,
    "active-job-cancelled": cancelled,
    "active-inconclusive": lambda users: factories.judged_job(users, AuditVerdict.INCONCLUSIVE),
    "active-job-pending": factories.pending_job,
}
