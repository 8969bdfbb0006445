"""Who may decide, on what, and on what kind of platform. Pure checks; they write nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from governance.models import SystemContract
from governance.vocabulary.errors import (
    CapabilityFrozenError,
    ContractImmutableError,
    HealthBlocksError,
    WrongPersonError,
    WrongStateError,
)
from governance.vocabulary.lifecycles import CONTRACT_TERMINAL_STATES
from governance.vocabulary.values import ContractStatus, HealthReading

REVIEW_PERMISSION = "governance.review_contract"


def require_founder(person: Any) -> None:
    """Refuse whoever does not hold the permission to review, with WrongPersonError."""
    if not (person.is_active and person.has_perm(REVIEW_PERMISSION)):
        raise WrongPersonError("Only a founder reviews contracts.")


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


def require_fit_platform(*, health: HealthReading | None, frozen: Collection[str]) -> None:
    """Refuse to approve a change of what is frozen, or of a platform that is not well."""
    if frozen:
        raise CapabilityFrozenError(f"Frozen: {', '.join(sorted(frozen))}.")
    if health is None:
        raise HealthBlocksError("Nobody can tell how the platform is.", code="health_unknown")
    if blocking := health.blocking_scopes():
        raise HealthBlocksError(f"Health blocks: {', '.join(blocking)}.")
