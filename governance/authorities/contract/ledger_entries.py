"""Ledger entries of a contract's moves."""

from __future__ import annotations

from collections.abc import Mapping

from governance.domain.canonical import digest
from governance.domain.values import ContractStatus
from governance.models import SystemContract
from governance.record.ledger.chain import NewEntry


def transition_entry(
    contract: SystemContract,
    event: str,
    before: str,
    *,
    reason: str = "",
    records: Mapping[str, str] | None = None,
) -> NewEntry:
    return NewEntry(
        event,
        from_status=str(before),
        to_status=str(contract.status),
        reason=reason or contract.closed_reason,
        records=records or {},
    )


def draft_entry(contract: SystemContract, *, reason: str = "") -> NewEntry:
    return NewEntry(
        "contract.proposal.drafted",
        to_status=ContractStatus.DRAFT,
        reason=reason,
        records={
            "proposal_sha256": digest(contract.proposal_record()),
            "draft_sha256": digest(contract.draft_record()),
        },
    )


def validation_entry(contract: SystemContract) -> NewEntry:
    verdict = contract.validator_verdict or {}
    return NewEntry(
        "contract.validation.recorded",
        from_status=ContractStatus.DRAFT,
        to_status=ContractStatus.VALIDATED,
        reason=verdict["reason"],
        records={"validator_verdict_sha256": digest(verdict)},
    )


def eligibility_entry(contract: SystemContract) -> NewEntry:
    verdict = contract.eligibility_verdict or {}
    return NewEntry(
        "contract.eligibility.granted",
        from_status=ContractStatus.VALIDATED,
        to_status=ContractStatus.ELIGIBLE,
        reason=verdict["reason"],
        records={"content_sha256": contract.content_digest},
    )
