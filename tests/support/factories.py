"""Factories of contracts and jobs in a given state, which the real operations bring about."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.values import (
    ActivationWindow,
    AuditVerdict,
    ContractStatus,
    StepReport,
    StepStatus,
)
from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.flows.audit_job import record_verdict
from governance.flows.propose_contract import draft_contract, propose_contract
from governance.flows.review_contract import answer_clarification, request_clarification
from governance.models import GovernanceJob, SystemContract
from tests.support.clock import as_of
from tests.support.clock import now as now
from tests.support.signing import approve_as_seen
from tests.support.users import Users

_numbers = itertools.count(1)


def three_changes(capability: str) -> list[dict[str, Any]]:
    return [
        {"type": "capability_enable", "capability_name": capability, "target_lifecycle": "PREVIEW"},
        {
            "type": "configuration_update",
            "scope": capability,
            "key": "page_size",
            "old_value": 20,
            "new_value": 50,
        },
        {"type": "parameter_change", "scope": capability, "parameters": {"timeout_seconds": 2.5}},
    ]


THREE_CHANGES = three_changes("Search")


def affecting(capability: str) -> dict[str, Any]:
    """Return the fields of a proposal for another capability than Search.

    Two jobs on one capability never run at the same time, so a test that needs two has the second
    one affect another capability.
    """
    return {
        "affected_capabilities": [capability],
        "proposed_changes": three_changes(capability),
    }


def apart() -> dict[str, Any]:
    """Return the fields of a proposal for a capability that no other proposal names."""
    return affecting(f"Part {next(_numbers)}")


VALIDATOR_VERDICT: dict[str, Any] = {
    "issue_type": "capability_request",
    "severity": "low",
    "affected_capabilities": ["Search"],
    "recommended_action": "create_contract",
    "confidence_score": 0.85,
    "reason": "Names one known capability.",
    "analyzed_at": "2026-11-02T09:00:00Z",
    "validator_version": "1.0.0",
}

MAY: dict[str, Any] = {
    "decision": "MAY",
    "reason": "All eligibility rules passed",
    "rules_evaluated": 11,
    "first_failing_rule": None,
    "blocking_signals": [],
    "missing_prerequisites": [],
    "rules_version": "1.0.0",
    "evaluated_at": "2026-11-02T09:00:01Z",
}

MAY_NOT: dict[str, Any] = MAY | {
    "decision": "MAY_NOT",
    "reason": "Validator confidence too low",
    "first_failing_rule": "E-001",
}


def proposal_document(**changes: Any) -> dict[str, Any]:
    """Return a valid proposal with a new reference; `changes` replaces fields."""
    return {
        "reference": f"TEST-{next(_numbers)}",
        "title": "Bring search to preview",
        "description": "Support asked for it.",
        "source": "manual",
        "requested_by": "support",
        "affected_capabilities": ["Search"],
        "proposed_changes": THREE_CHANGES,
        "risk_level": "medium",
    } | changes


def enabling(name: str) -> dict[str, Any]:
    """Return the changes of a proposal that enables one capability and affects no other."""
    change = {"type": "capability_enable", "capability_name": name, "target_lifecycle": "PREVIEW"}
    return {
        "affected_capabilities": [name],
        "validator_verdict": VALIDATOR_VERDICT | {"affected_capabilities": [name]},
        "proposed_changes": [change],
    }


def draft(users: Users, *, at: datetime | None = None, **changes: Any) -> SystemContract:
    return as_of(at, draft_contract, document=proposal_document(**changes), proposer=users.operator)


def eligible(
    users: Users,
    *,
    at: datetime | None = None,
    validator_verdict: Mapping[str, Any] = VALIDATOR_VERDICT,
    eligibility_verdict: Mapping[str, Any] = MAY,
    **changes: Any,
) -> SystemContract:
    contract, _ = as_of(
        at,
        propose_contract,
        document=proposal_document(**changes),
        validator_verdict=validator_verdict,
        eligibility_verdict=eligibility_verdict,
        proposer=users.operator,
    )
    return contract


def asked(users: Users, *, at: datetime | None = None, **changes: Any) -> SystemContract:
    """Return an ELIGIBLE contract with an open question, so that its review is paused."""
    contract = eligible(users, at=at, **changes)
    as_of(
        at,
        request_clarification,
        contract_id=contract.pk,
        founder=users.founder,
        question="Why now?",
    )
    return reloaded(contract)


def answered(users: Users, *, at: datetime | None = None, **changes: Any) -> SystemContract:
    """Return an ELIGIBLE contract whose review was paused for an hour by an answered question."""
    at = at or now() - timedelta(hours=2)
    contract = asked(users, at=at, **changes)
    as_of(
        at + timedelta(hours=1),
        answer_clarification,
        contract_id=contract.pk,
        person=users.operator,
        answer="The sale begins on Friday.",
    )
    return reloaded(contract)


def signed(
    users: Users, contract: SystemContract | None = None, *, founder: Any = None, **changes: Any
) -> SystemContract:
    """Add a signature with a window of a day; the contract stays ELIGIBLE if more are needed."""
    contract, at = contract or eligible(users, **changes), now()
    window = ActivationWindow(contract.created_at, contract.created_at + timedelta(hours=24))
    return approve_as_seen(contract, at=at, founder=founder or users.founder, window=window)


def approved(
    users: Users,
    *,
    at: datetime | None = None,
    window: ActivationWindow | None = None,
    **changes: Any,
) -> SystemContract:
    at = at or now()
    contract = eligible(users, at=at, **changes)
    window = window or ActivationWindow(at, at + timedelta(hours=24))
    return approve_as_seen(contract, at=at, founder=users.founder, window=window)


def pending_job(
    users: Users, *, at: datetime | None = None, timeout_minutes: int = 60, **changes: Any
) -> GovernanceJob:
    contract = approved(users, at=at, **changes)
    return as_of(
        at,
        activate_contract,
        contract_id=contract.pk,
        actor=users.operator,
        timeout_minutes=timeout_minutes,
    )


@dataclass
class Running:
    """A started job with the execution token for its reports."""

    job: GovernanceJob
    token: str
    users: Users

    def report(
        self, step_index: int, status: StepStatus = StepStatus.COMPLETED, **fields: Any
    ) -> StepReport:
        """Return the report of a step that ran when the job started, if it has."""
        error = "It broke." if status is StepStatus.FAILED else ""
        at = self.job.started_at or now()
        return StepReport(
            **{
                "step_index": step_index,
                "status": status,
                "started_at": at,
                "completed_at": at,
                "output": {"done": True},
                "error": error,
            }
            | fields
        )

    def record(self, report: StepReport, *, at: datetime | None = None) -> Any:
        return as_of(
            at,
            GovernanceOrchestrator.record_step_result,
            job_id=self.job.pk,
            token=self.token,
            report=report,
            executor=self.users.executor,
        )

    def complete_steps(self, count: int | None = None) -> None:
        for index in range(self.job.total_steps if count is None else count):
            self.record(self.report(index))

    def complete(self, *, at: datetime | None = None) -> GovernanceJob:
        return as_of(
            at,
            run_job.complete_job,
            job_id=self.job.pk,
            token=self.token,
            executor=self.users.executor,
        )

    def cancel(self, reason: str = "No longer wanted.") -> GovernanceJob:
        return run_job.cancel_job(job_id=self.job.pk, reason=reason, actor=self.users.operator)


def running_job(users: Users, *, at: datetime | None = None, **changes: Any) -> Running:
    """Return a job that was proposed, approved, activated and started at `at`, by default now."""
    job = pending_job(users, at=at, **changes)
    job, token = as_of(at, GovernanceOrchestrator.start_job, job_id=job.pk, executor=users.executor)
    return Running(job, token, users)


def finished_job(users: Users, **changes: Any) -> GovernanceJob:
    """Return a COMPLETED job with sealed evidence and without a verdict."""
    running = running_job(users, **changes)
    running.complete_steps()
    return running.complete()


def failed_job(users: Users, **changes: Any) -> GovernanceJob:
    """Return a FAILED job whose second step failed."""
    running = running_job(users, **changes)
    running.complete_steps(1)
    running.record(running.report(1, StepStatus.FAILED))
    return running.complete()


def judged_job(
    users: Users, verdict: AuditVerdict = AuditVerdict.PASS, **changes: Any
) -> GovernanceJob:
    return judged(users, finished_job(users, **changes), verdict)


def judged(users: Users, job: GovernanceJob, verdict: AuditVerdict) -> GovernanceJob:
    """Give the verdict on a job that has ended, and return the job."""
    record_verdict(
        job_id=job.pk,
        verdict=verdict,
        reason="The evidence shows it.",
        evidence_sha256=job.evidence.sha256,
        author=users.auditor,
    )
    return reloaded(job)


def reloaded(row: Any) -> Any:
    """Return a new instance of the row, because a protected FSM field cannot be refreshed."""
    return type(row).objects.get(pk=row.pk)


def contract_in(users: Users, status: ContractStatus) -> SystemContract:
    """Return a contract that the real operations brought to `status`."""
    from governance.authorities.contract.operations import expire_contract
    from governance.flows.review_contract import reject_contract

    match status:
        case ContractStatus.DRAFT:
            return draft(users)
        case ContractStatus.ELIGIBLE:
            return eligible(users)
        case ContractStatus.APPROVED:
            return approved(users)
        case ContractStatus.ACTIVE:
            return reloaded(pending_job(users).contract)
        case ContractStatus.COMPLETED:
            return reloaded(judged_job(users).contract)
        case ContractStatus.FAILED:
            return reloaded(judged_job(users, AuditVerdict.FAIL).contract)
        case ContractStatus.REJECTED:
            contract = eligible(users)
            return reject_contract(
                contract_id=contract.pk,
                founder=users.founder,
                reason="Not this quarter, sorry.",
            )
        case ContractStatus.EXPIRED:
            contract = eligible(users, at=now() - timedelta(days=30))
            return expire_contract(contract_id=contract.pk, actor=users.operator)
    raise AssertionError(f"No operation leaves a contract in {status}.")
