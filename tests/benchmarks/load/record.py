"""The record of an original: its rows by table, and every text whose digest is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model

from governance.domain.canonical import canonical_text
from governance.models import (
    ApprovalSignature,
    AuditEvidence,
    AuditResolution,
    ClarificationAnswer,
    ClarificationRequest,
    GovernanceAudit,
    GovernanceJob,
    HealthSnapshot,
    JobStep,
    LedgerEntry,
    StepResult,
    SystemContract,
)
from governance.record.ledger.verification import verify_contract

# Every table with rows of a contract, in the order of insertion, and the lookup by contract.
TABLES: dict[type[Model], str] = {
    SystemContract: "pk",
    ClarificationRequest: "contract",
    ClarificationAnswer: "request__contract",
    ApprovalSignature: "contract",
    GovernanceJob: "contract",
    JobStep: "job__contract",
    StepResult: "job__contract",
    HealthSnapshot: "job__contract",
    AuditEvidence: "job__contract",
    GovernanceAudit: "job__contract",
    AuditResolution: "audit__job__contract",
    LedgerEntry: "contract",
}


@dataclass(frozen=True)
class OriginalRecord:
    """All rows of one contract, by table, in the order of their keys."""

    contract: SystemContract
    rows: dict[type[Model], list[Any]]

    def only(self, table: type[Model]) -> Any:
        """Return the only row of a table, or None."""
        return self.rows[table][0] if self.rows[table] else None


def read_original_record(contract_id: UUID) -> OriginalRecord:
    """Read the record of a contract and verify it, because copies repeat every fault of it.

    Raises:
        ValueError: The contract does not verify; the message has the finding.
    """
    checked, _ = verify_contract(contract_id)
    if checked is None or checked.finding:
        raise ValueError(f"The original {contract_id} does not verify: {checked}")
    rows = {
        table: list(table._default_manager.filter(**{path: contract_id}).order_by("pk"))
        for table, path in TABLES.items()
    }
    [contract] = SystemContract.objects.filter(pk=contract_id)
    return OriginalRecord(contract, rows)


def hashed_texts(record: OriginalRecord) -> Iterator[str]:
    """Yield every hashed text of the record but the bodies of ledger entries, in any order."""
    contract, job = record.contract, record.only(GovernanceJob)
    records: list[Any] = [
        _proposed(contract, with_verdicts=True),
        _proposed(contract, with_verdicts=False),
        contract.proposal_record(),
        contract.draft_record(),
        contract.validator_verdict,
        contract.eligibility_verdict,
        contract.content_record(),
        contract.approval_record(),
        contract.closing_record(),
    ]
    if job:
        steps = [step.as_record() for step in record.rows[JobStep]]
        records += [job.creation_record(steps), job.start_record(), job.end_record()]
    for table in (
        *(ClarificationRequest, ClarificationAnswer, ApprovalSignature, StepResult),
        *(HealthSnapshot, GovernanceAudit, AuditResolution),
    ):
        records += [row.as_record() for row in record.rows[table]]
    yield from (canonical_text(one) for one in records)
    for signature in record.rows[ApprovalSignature]:
        yield from (signature.view, signature.shown)
    yield from (evidence.body for evidence in record.rows[AuditEvidence])


def _proposed(contract: SystemContract, *, with_verdicts: bool) -> dict[str, Any]:
    """Return the content of `proposal_digest`, for a proposal with verdicts or without."""
    return {
        "title": contract.title,
        "description": contract.description,
        "requested_by": contract.requested_by,
        "affected_capabilities": contract.affected_capabilities,
        "proposed_changes": contract.proposed_changes,
        "risk_level": contract.risk_asked or contract.risk_level,
        "validator_verdict": contract.validator_verdict if with_verdicts else None,
        "eligibility_verdict": contract.eligibility_verdict if with_verdicts else None,
    }
