"""What the ledger is told of a contract's moves."""

from __future__ import annotations

from collections.abc import Mapping

from governance.ledger.chain import Entry
from governance.models import SystemContract
from governance.vocabulary.canonical import digest
from governance.vocabulary.values import ContractStatus


def moved(
    contract: SystemContract,
    event: str,
    before: str,
    *,
    reason: str = "",
    records: Mapping[str, str] | None = None,
) -> Entry:
    return Entry(
        event,
        from_status=str(before),
        to_status=str(contract.status),
        reason=reason or contract.closed_reason,
        records=records or {},
    )


def drafted(contract: SystemContract, *, reason: str = "") -> Entry:
    return Entry(
        "contract.proposal.drafted",
        to_status=ContractStatus.DRAFT,
        reason=reason,
        records={
            "proposal_sha256": digest(contract.proposal_record()),
            "draft_sha256": digest(contract.draft_record()),
        },
    )


def validated(contract: SystemContract) -> Entry:
    verdict = contract.validator_verdict or {}
    return Entry(
        "contract.validation.recorded",
        from_status=ContractStatus.DRAFT,
        to_status=ContractStatus.VALIDATED,
        reason=verdict["reason"],
        records={"validator_verdict_sha256": digest(verdict)},
    )


def granted(contract: SystemContract) -> Entry:
    verdict = contract.eligibility_verdict or {}
    return Entry(
        "contract.eligibility.granted",
        from_status=ContractStatus.VALIDATED,
        to_status=ContractStatus.ELIGIBLE,
        reason=verdict["reason"],
        records={"content_sha256": contract.content_digest},
    )
