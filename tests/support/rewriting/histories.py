"""Contracts in every status, made by the real operations, and dumps of their older states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from governance.authorities.contract import operations
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.values import ActivationWindow, AuditVerdict, StepReport, StepStatus
from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.flows.audit_job import record_verdict, resolve_audit
from governance.flows.propose_contract import draft_contract, propose_contract
from governance.flows.review_contract import approve_contract, reject_contract
from governance.models import AuditEvidence, GovernanceJob, SystemContract
from tests.support.clock import as_of
from tests.support.factories import MAY, MAY_NOT, VALIDATOR_VERDICT, now, proposal_document
from tests.support.rewriting.documents import Dump, dump
from tests.support.signing import as_seen
from tests.support.users import Users

# The moves of each history. Together they make contracts in every status, with every kind of row.
HISTORIES: Sequence[str] = (
    "draft",
    "draft expire",
    "draft refuse",
    "draft accept",
    "propose reject",
    "propose expire",
    "propose",
    "propose approve",
    "draft accept approve lapse",
    "propose approve activate",
    "propose approve activate cancel",
    "propose approve activate cancel FAIL",
    "propose approve activate start",
    "propose approve activate start step",
    "propose approve activate start step break",
    "propose approve activate start step cancel",
    "propose approve activate start step lose FAIL",
    "draft accept approve activate start break complete",
    "propose approve activate start step break complete FAIL",
    "propose approve activate start steps complete",
    "propose approve activate start steps complete PASS",
    "propose approve activate start steps complete FAIL",
    "propose approve activate start steps complete INCONCLUSIVE",
    "propose approve activate start steps complete INCONCLUSIVE settle_PASS",
    "draft accept approve activate start steps complete INCONCLUSIVE settle_FAIL",
)

# A value of every JSON type, and text with characters that Unicode can encode in two ways.
OUTPUT: dict[str, Any] = {
    "done": True,
    "was": None,
    "count": 1,
    "ratio": 2.5,
    "note": "Café fünfte Ångström",
    "places": [0, 1, "1", False, {"depth": {"zero": 0, "empty": ""}}],
}
REASON = "Counted twice, naïvely."


@dataclass
class ContractHistory:
    """The history of one contract; `older` has dumps of earlier states by the chain's length."""

    users: Users
    document: Mapping[str, Any]
    validator_verdict: Mapping[str, Any]
    at: datetime
    contract_id: UUID | None = None
    job: GovernanceJob | None = None
    token: str = ""
    older: dict[int, Dump] = field(default_factory=dict)

    def play(self, moves: str, draw: Random) -> UUID:
        for move in moves.split():
            self.at += timedelta(seconds=1, microseconds=draw.randrange(1_000_000))
            if self.contract_id and draw.random() < 0.5:
                older = dump(self.contract_id)
                self.older[len(older["governance_ledgerentry"])] = older
            self._move(move)
        assert self.contract_id
        self.older.pop(len(dump(self.contract_id)["governance_ledgerentry"]), None)
        return self.contract_id

    def _move(self, move: str) -> None:
        if move in ("PASS", "FAIL", "INCONCLUSIVE"):
            self._judge(AuditVerdict(move))
        elif move.startswith("settle_"):
            self._settle(AuditVerdict(move.removeprefix("settle_")))
        else:
            getattr(self, f"_{move}")()

    # --- the contract ---
    def _draft(self) -> None:
        self.contract_id = as_of(
            self.at, draft_contract, document=self.document, proposer=self.users.operator
        ).pk

    def _propose(self) -> None:
        contract, _ = as_of(
            self.at,
            propose_contract,
            document=self.document,
            validator_verdict=self.validator_verdict,
            eligibility_verdict=MAY,
            proposer=self.users.operator,
        )
        self.contract_id = contract.pk

    def _accept(self, verdict: Mapping[str, Any] = MAY) -> None:
        as_of(
            self.at,
            operations.record_review_verdicts,
            contract_id=self._contract().pk,
            validator_verdict=self.validator_verdict,
            eligibility_verdict=verdict,
            actor=self.users.operator,
        )

    def _refuse(self) -> None:
        self._accept(MAY_NOT)

    def _reject(self) -> None:
        as_of(
            self.at,
            reject_contract,
            contract_id=self._contract().pk,
            founder=self.users.founder,
            reason=REASON,
        )

    def _expire(self) -> None:
        self.at = self._contract().expires_at + timedelta(seconds=1)
        as_of(
            self.at,
            operations.expire_contract,
            contract_id=self._contract().pk,
            actor=self.users.operator,
        )

    def _approve(self) -> None:
        as_of(
            self.at,
            approve_contract,
            contract_id=self._contract().pk,
            founder=self.users.founder,
            window=ActivationWindow(self.at, self.at + timedelta(hours=24)),
            **as_seen(self._contract(), at=self.at, note="Signed in the café."),
        )

    def _lapse(self) -> None:
        self.at += timedelta(hours=25)
        as_of(
            self.at,
            operations.fail_contract_past_window,
            contract_id=self._contract().pk,
            actor=self.users.operator,
        )

    # --- the job ---
    def _activate(self) -> None:
        self.job = as_of(
            self.at, activate_contract, contract_id=self._contract().pk, actor=self.users.operator
        )

    def _start(self) -> None:
        assert self.job
        self.job, self.token = as_of(
            self.at,
            GovernanceOrchestrator.start_job,
            job_id=self.job.pk,
            executor=self.users.executor,
        )

    def _step(self, status: StepStatus = StepStatus.COMPLETED) -> None:
        assert self.job
        job = GovernanceJob.objects.get(pk=self.job.pk)
        if job.current_step_index == job.total_steps:
            return
        as_of(
            self.at,
            GovernanceOrchestrator.record_step_result,
            job_id=job.pk,
            token=self.token,
            report=StepReport(
                step_index=job.current_step_index,
                status=status,
                started_at=self.at - timedelta(microseconds=7),
                completed_at=self.at,
                output=OUTPUT | {"step": job.current_step_index},
                error="" if status is StepStatus.COMPLETED else "It broke, née là.",
                health_after={"claimed": 1},
            ),
            executor=self.users.executor,
        )

    def _steps(self) -> None:
        assert self.job
        for _ in range(self.job.total_steps):
            self._step()
            self.at += timedelta(milliseconds=3)

    def _break(self) -> None:
        self._step(StepStatus.FAILED)

    def _complete(self) -> None:
        assert self.job
        as_of(
            self.at,
            run_job.complete_job,
            job_id=self.job.pk,
            token=self.token,
            executor=self.users.executor,
        )

    def _cancel(self) -> None:
        assert self.job
        as_of(
            self.at,
            run_job.cancel_job,
            job_id=self.job.pk,
            reason=REASON,
            actor=self.users.operator,
        )

    def _lose(self) -> None:
        assert self.job
        self.at += timedelta(hours=2)
        as_of(self.at, run_job.fail_timed_out_job, job_id=self.job.pk, actor=self.users.operator)

    # --- the verdict ---
    def _judge(self, verdict: AuditVerdict) -> None:
        assert self.job
        as_of(
            self.at,
            record_verdict,
            job_id=self.job.pk,
            verdict=verdict,
            reason=REASON,
            checks=[{"id": "A-001", "result": str(verdict), "seen": [1, True, "1", 0.25]}],
            evidence_sha256=AuditEvidence.objects.get(job_id=self.job.pk).sha256,
            author=self.users.auditor,
        )

    def _settle(self, verdict: AuditVerdict) -> None:
        assert self.job
        as_of(
            self.at,
            resolve_audit,
            job_id=self.job.pk,
            verdict=verdict,
            reason=REASON,
            resolver=self.users.second_auditor,
        )

    def _contract(self) -> SystemContract:
        return SystemContract.objects.get(pk=self.contract_id)


def history_of(document: Mapping[str, Any] | None, number: int, users: Users) -> ContractHistory:
    """Return a new history about a real change in the format of the import, or an invented one."""
    if document is None:
        own = proposal_document(title="Bring café search to preview", description="Née à Århus.")
        return ContractHistory(users, own, VALIDATOR_VERDICT, now())
    names = ("title", "requested_by", "affected_capabilities", "proposed_changes", "risk_level")
    proposal = {name: document[name] for name in names}
    proposal |= {
        "reference": f"{document['reference']}/{number}",
        "description": document["body"],
        "source": "ops_alert",
    }
    return ContractHistory(users, proposal, document["validator_verdict"], now())
