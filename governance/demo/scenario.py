"""The scenario of the demo: proposals that the product's flows bring to each possible end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.authorities.contract.signatures import quorum_for
from governance.authorities.health.signals import record_signal
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.queries import sealed_evidence_of
from governance.db.clock import set_time
from governance.domain.canonical import timestamp
from governance.domain.values import (
    ActivationWindow,
    AuditVerdict,
    HealthDecision,
    JobRunner,
    StepReport,
    StepStatus,
)
from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.flows.audit_job import give_verdict
from governance.flows.propose_contract import draft_contract, propose_contract
from governance.flows.review_contract import approve_contract, reject_contract, view_contract
from governance.flows.sweep import expire_contracts
from governance.models import Account, GovernanceJob, SystemContract
from governance.services.registry.operations import register_capabilities

# The note of an approval while other contracts on the same capabilities are open.
BESIDE = "Read with the other open contracts on these capabilities; their order does not matter."
REGISTERED_HOURS_AGO = 400
LONG_ENOUGH = 1440  # minutes; so far ahead that only the lease ends the running job


@dataclass(frozen=True, slots=True)
class People:
    """The accounts that act in the demo; several founders sign where the risk needs several."""

    operator: Account
    founders: Sequence[Account]
    executor: Account
    auditor: Account


class ScenarioWriter:
    """A writer of contracts: each method brings a proposal to the end that `ends_as` names."""

    def __init__(self, now: datetime, people: People) -> None:
        self.now = now
        self.operator, self.founders = people.operator, people.founders
        self.founder = people.founders[0]
        self.executor, self.auditor = people.executor, people.auditor

    def register(self, capabilities: Sequence[Mapping[str, Any]]) -> None:
        """Register the capabilities as they were before the first proposal."""
        set_time(self._ago(REGISTERED_HOURS_AGO))
        register_capabilities(documents=capabilities, actor=self.operator)

    def record_health_signals(self) -> None:
        for hours, scope, kind, decision, reason in (
            (100, "CatalogueSearch", "error-rate", "DEGRADED", "1.8 % of searches fail."),
            (90, "CatalogueSearch", "error-rate", "HEALTHY", "0.1 % of searches fail."),
            (80, "InterlibraryLoan", "partner-latency", "DEGRADED", "Two partners need 40 s."),
        ):
            set_time(self._ago(hours))
            record_signal(
                scope=scope,
                signal_type=kind,
                decision=HealthDecision(decision),
                reason=reason,
                actor=self.operator,
            )

    # --- the ends of a proposal ---
    def draft(self, scenario: Mapping[str, Any]) -> None:
        set_time(self._ago(scenario["hours_ago"]))
        draft_contract(document=scenario, proposer=self.operator)

    def eligible(self, scenario: Mapping[str, Any]) -> SystemContract:
        at = self._ago(scenario["hours_ago"])
        set_time(at)
        contract, _ = propose_contract(
            document=scenario, **_verdicts(scenario, at), proposer=self.operator
        )
        return contract

    def rejected(self, scenario: Mapping[str, Any]) -> None:
        contract = self.eligible(scenario)
        set_time(contract.created_at + timedelta(hours=3))
        reject_contract(contract_id=contract.pk, founder=self.founder, reason=scenario["rejection"])

    def expired(self, scenario: Mapping[str, Any]) -> None:
        contract = self.eligible(scenario)
        set_time(contract.expires_at + timedelta(minutes=5))
        for outcome in expire_contracts(actor=self.operator):
            if outcome.refusal:
                raise outcome.refusal

    def approved(self, scenario: Mapping[str, Any]) -> SystemContract:
        contract = self.eligible(scenario)
        at = contract.created_at + timedelta(hours=1, minutes=20)
        window = ActivationWindow(at, at + timedelta(hours=160))
        set_time(at)
        for founder in self.founders[: quorum_for(contract.risk_level)]:
            view = view_contract(contract_id=contract.pk)
            contract = approve_contract(
                contract_id=contract.pk,
                founder=founder,
                window=window,
                seen_digest=view.content_digest,
                seen_view=view.digest(),
                confirmation=contract.reference,
                note=scenario.get("approval_note") or (BESIDE if view.has_siblings else ""),
            )
        return contract

    def pending(self, scenario: Mapping[str, Any]) -> GovernanceJob:
        contract = self.approved(scenario)
        set_time((contract.approved_at or contract.created_at) + timedelta(minutes=10))
        return activate_contract(
            contract_id=contract.pk,
            actor=self.operator,
            timeout_minutes=LONG_ENOUGH,
            # The demo's own executor runs its jobs, whatever the routes of the site are.
            run_by=JobRunner.CLIENT,
        )

    def running(self, scenario: Mapping[str, Any]) -> None:
        # The last report is seconds old, so the page shows a job with a lease, and later without.
        self._execute(self.pending(scenario), steps=2, begins_at=self.now - timedelta(minutes=2))

    def awaiting_verdict(self, scenario: Mapping[str, Any]) -> GovernanceJob:
        return self._finish(scenario)

    def completed(self, scenario: Mapping[str, Any]) -> None:
        self._judge(self._finish(scenario), AuditVerdict.PASS, scenario)

    def inconclusive(self, scenario: Mapping[str, Any]) -> None:
        self._judge(self._finish(scenario), AuditVerdict.INCONCLUSIVE, scenario)

    def failed(self, scenario: Mapping[str, Any]) -> None:
        self._judge(self._finish(scenario, steps=2), AuditVerdict.FAIL, scenario)

    # --- pieces ---
    def _finish(self, scenario: Mapping[str, Any], steps: int | None = None) -> GovernanceJob:
        job = self.pending(scenario)
        begins_at = job.created_at + timedelta(minutes=2)
        return self._execute(
            job,
            steps=steps or job.total_steps,
            begins_at=begins_at,
            failure=scenario.get("failure", ""),
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
        """Start the job and report its first `steps` steps; `failure` makes the last one FAILED."""
        set_time(begins_at)
        _, token = GovernanceOrchestrator.start_job(job.pk, executor=self.executor)
        at = begins_at
        for index, step in enumerate(job.contract.plan[:steps]):
            fails = bool(failure) and index == steps - 1
            # No longer than the step's timeout, because its lease would expire.
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
            set_time(at)
            GovernanceOrchestrator.record_step_result(
                job.pk, token=token, report=report, executor=self.executor
            )
        if not ends:
            return job
        set_time(at + timedelta(seconds=20))
        return run_job.complete_job(job_id=job.pk, token=token, executor=self.executor)

    def _judge(
        self, job: GovernanceJob, verdict: AuditVerdict, scenario: Mapping[str, Any]
    ) -> None:
        set_time((job.ended_at or self.now) + timedelta(minutes=12))
        # A person gave these verdicts, even if the site has its own auditor now.
        give_verdict(
            job_id=job.pk,
            verdict=verdict,
            reason=scenario["verdict_reason"],
            evidence_sha256=sealed_evidence_of(job.pk).sha256,
            author=self.auditor,
        )

    def _ago(self, hours: float) -> datetime:
        return self.now - timedelta(hours=hours)


def _verdicts(scenario: Mapping[str, Any], at: datetime) -> dict[str, dict[str, Any]]:
    """Return the validator's and the eligibility verdict, dated a minute before the contract."""
    names = scenario["affected_capabilities"]
    validator = {
        "issue_type": scenario["issue_type"],
        "severity": scenario["risk_level"],
        "affected_capabilities": names,
        "recommended_action": "create_contract",
        "confidence_score": scenario["confidence"],
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
