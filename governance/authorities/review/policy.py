"""Who may decide, on what, and on what kind of platform. Pure checks; they write nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from governance.domain.errors import (
    CapabilityFrozenError,
    ContractImmutableError,
    HealthBlocksError,
    WrongPersonError,
    WrongStateError,
)
from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES
from governance.domain.values import ContractStatus, HealthReading
from governance.models import SystemContract

# Whoever may propose contracts answers for what they propose: the operators.
ANSWER_PERMISSION = "governance.import_contract"
COMMENT_PERMISSION = "governance.view_systemcontract"


def require_answerer(person: Any, contract: SystemContract) -> None:
    """Only the contract's proposer or an operator answers a founder's question."""
    is_answerer = contract.proposed_by_id == person.pk or person.has_perm(ANSWER_PERMISSION)
    if not (person.is_active and is_answerer):
        raise WrongPersonError("Only its proposer or an operator answers a founder's question.")


def require_commenter(person: Any) -> None:
    """Whoever may see contracts and signs in to the admin may remark on them."""
    if not (person.is_active and person.is_staff and person.has_perm(COMMENT_PERMISSION)):
        raise WrongPersonError("Only staff who may see contracts comment on them.")


def require_reviewable(contract: SystemContract) -> None:
    """Only ELIGIBLE is reviewed (REVIEW-001): refuse every other state with WrongStateError."""
    if contract.status == ContractStatus.ELIGIBLE:
        return
    details = {"status": str(contract.status)}
    if contract.status in CONTRACT_TERMINAL_STATES:
        raise ContractImmutableError(
            f"This contract is {contract.status} for good.", details=details
        )
    raise WrongStateError(
        f"Only an ELIGIBLE contract is reviewed; this one is {contract.status}.",
        code="not_eligible",
        details=details,
    )


def require_platform_ready(*, health: HealthReading | None, frozen: Collection[str]) -> None:
    """Refuse to approve a change of what is frozen, or of a platform that is not well."""
    if frozen:
        raise CapabilityFrozenError(f"Frozen: {', '.join(sorted(frozen))}.")
    if health is None:
        raise HealthBlocksError("Nobody can tell how the platform is.", code="health_unknown")
    if blocking := health.blocking_scopes():
        raise HealthBlocksError(f"Health blocks: {', '.join(blocking)}.")
