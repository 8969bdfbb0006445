"""Who tells the demo: each method brings one proposal to where it ends, through the flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.contract.signatures import quorum_for
from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.flows.audit_job import record_verdict
from governance.flows.propose_contract import draft_contract, propose_contract
from governance.flows.review_contract import approve_contract, reject_contract, view_contract
from governance.flows.sweep import expire_contracts
from governance.health.signals import record_signal
from governance.models import Account, GovernanceJob, SystemContract
from governance.orchestrator.queries import sealed_evidence_of
from governance.vocabulary.canonical import timestamp
from governance.vocabulary.values import (
    ActivationWindow,
    AuditVerdict,
    HealthDecision,
    StepReport,
    StepStatus,
)

PROPOSAL = (
    "reference",
    "title",
    "description",
    "source",
    "requested_by",
    "affected_capabilities",
    "proposed_changes",
    "risk_level",
)
LONG_ENOUGH = 1440  # minutes; the lease of the running job is as short as any


@dataclass(frozen=True, slots=True)
class People:
    """Who plays in what is told; several founders sign where a risk asks for several."""

    operator: Account
    founders: Sequence[Account]
    executor: Account
    auditor: Account


class Teller:
    """Each method brings a proposal to where it ends, and is named for that."""

    def __init__(self, now: datetime, people: People) -> None:
        self.now = now
        self.operator, self.founders = people.operator, people.founders
        self.founder = people.founders[0]
        self.executor, self.auditor = people.executor, people.auditor

    def tell_health(self) -> None:
        for hours, scope, kind, decision, reason in (
            (100, "CatalogueSearch", "error-rate", "DEGRADED", "1.8 % of searches fail."),
            (90, "CatalogueSearch", "error-rate", "HEALTHY", "0.1 % of searches fail."),
            (80, "InterlibraryLoan", "partner-latency", "DEGRADED", "Two partners need 40 s."),
        ):
            record_signal(
                scope=scope,
                signal_type=kind,
                decision=HealthDecision(decision),
                reason=reason,
                actor=self.operator,
                at=self._ago(hours),
            )

    # --- where a proposal ends ---
    def draft(self, told: Mapping[str, Any]) -> None:
        draft_contract(
            document=_proposal(told), proposer=self.operator, at=self._ago(told["hours_ago"])
        )

    def eligible(self, told: Mapping[str, Any]) -> SystemContract:
        at = self._ago(told["hours_ago"])
        contract, _ = propose_contract(
            document=_proposal(told), **_verdicts(told, at), proposer=self.operator, at=at
        )
        return contract

    def rejected(self, told: Mapping[str, Any]) -> None:
        contract = self.eligible(told)
        reject_contract(
            contract_id=contract.pk,
            founder=self.founder,
            reason=told["rejection"],
            at=contract.created_at + timedelta(hours=3),
        )

    def expired(self, told: Mapping[str, Any]) -> None:
        contract = self.eligible(told)
        at = contract.expires_at + timedelta(minutes=5)
        for outcome in expire_contracts(actor=self.operator, at=at):
            if outcome.refusal:
                raise outcome.refusal

    def approved(self, told: Mapping[str, Any]) -> SystemContract:
        contract = self.eligible(told)
        at = contract.created_at + timedelta(hours=1, minutes=20)
        window = ActivationWindow(at, at + timedelta(hours=160))
        for founder in self.founders[: quorum_for(contract.risk_level)]:
            view = view_contract(contract_id=contract.pk, at=at)
            contract = approve_contract(
                contract_id=contract.pk,
                founder=founder,
                window=window,
                seen_digest=view.content_digest,
                seen_view=view.digest(),
                confirmation=contract.reference,
                at=at,
                note=told.get("approval_note", ""),
            )
        return contract

    def pending(self, told: Mapping[str, Any]) -> GovernanceJob:
        contract = self.approved(told)
        at = (contract.approved_at or contract.created_at) + timedelta(minutes=10)
        return activate_contract(
            contract_id=contract.pk, actor=self.operator, at=at, timeout_minutes=LONG_ENOUGH
        )

    def running(self, told: Mapping[str, Any]) -> None:
        # Its last report is seconds old, so that it is seen with a lease, and later without.
        self._execute(self.pending(told), steps=2, begins_at=self.now - timedelta(minutes=2))

    def awaiting_verdict(self, told: Mapping[str, Any]) -> GovernanceJob:
        return self._finish(told)

    def completed(self, told: Mapping[str, Any]) -> None:
        self._judge(self._finish(told), AuditVerdict.PASS, told)

    def inconclusive(self, told: Mapping[str, Any]) -> None:
        self._judge(self._finish(told), AuditVerdict.INCONCLUSIVE, told)

    def failed(self, told: Mapping[str, Any]) -> None:
        self._judge(self._finish(told, steps=2), AuditVerdict.FAIL, told)

    # --- pieces ---
    def _finish(self, told: Mapping[str, Any], steps: int | None = None) -> GovernanceJob:
        job = self.pending(told)
        begins_at = job.created_at + timedelta(minutes=2)
        return self._execute(
            job,
            steps=steps or job.total_steps,
            begins_at=begins_at,
            failure=told.get("failure", ""),
            ends=True,
        )

    def _execute(
        self,
        job: GovernanceJob,
        *,
        steps: int,
        begins_at: datetime,
        failure: str = "",
        ends: bool = False,
    ) -> GovernanceJob:
        """Report the first `steps` steps, the last one as failed if there is a `failure`."""
        _, token = run_job.start_job(job_id=job.pk, executor=self.executor, at=begins_at)
        at = begins_at
        for index, step in enumerate(job.contract.plan[:steps]):
            fails = bool(failure) and index == steps - 1
            # As long as a step takes, but never longer than it may: its lease would lapse.
            seconds = min(48 + 7 * index, step["timeout_seconds"])
            started_at = at + timedelta(seconds=min(5, seconds))
            at += timedelta(seconds=seconds)
            report = StepReport(
                step_index=index,
                status=StepStatus.FAILED if fails else StepStatus.COMPLETED,
                started_at=started_at,
                completed_at=at,
                output=None if fails else {"applied": step["change"], "on": step["target"]},
                error=failure if fails else "",
            )
            run_job.record_step_result(
                job_id=job.pk, token=token, report=report, executor=self.executor, at=at
            )
        if not ends:
            return job
        at += timedelta(seconds=20)
        return run_job.complete_job(job_id=job.pk, token=token, executor=self.executor, at=at)

    def _judge(self, job: GovernanceJob, verdict: AuditVerdict, told: Mapping[str, Any]) -> None:
        record_verdict(
            job_id=job.pk,
            verdict=verdict,
            reason=told["verdict_reason"],
            evidence_sha256=sealed_evidence_of(job.pk).sha256,
            author=self.auditor,
            at=(job.ended_at or self.now) + timedelta(minutes=12),
        )

    def _ago(self, hours: float) -> datetime:
        return self.now - timedelta(hours=hours)


def _proposal(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in PROPOSAL}


def _verdicts(told: Mapping[str, Any], at: datetime) -> dict[str, dict[str, Any]]:
    """What a validator and the gate said of it, a minute before it became a contract."""
    names = told["affected_capabilities"]
    validator = {
        "issue_type": told["issue_type"],
        "severity": told["risk_level"],
        "affected_capabilities": names,
        "recommended_action": "create_contract",
        "confidence_score": told["confidence"],
        "reason": f"The text names {', '.join(names)} and what shall change there.",
        "analyzed_at": timestamp(at - timedelta(seconds=60)),
        "validator_version": "demo-1",
    }
    eligibility = {
        "decision": "MAY",
        "reason": "All eligibility rules passed",
        "rules_evaluated": 11,
        "first_failing_rule": None,
        "blocking_signals": [],
        "missing_prerequisites": [],
        "evaluated_at": timestamp(at - timedelta(seconds=58)),
        "rules_version": "demo-1",
    }
    return {"validator_verdict": validator, "eligibility_verdict": eligibility}
