"""A founder decides: approve or reject."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.contract import operations as contract_operations
from governance.models import SystemContract
from governance.review.policy import require_founder
from governance.vocabulary.errors import CapabilityFrozenError, HealthBlocksError
from governance.vocabulary.values import ActivationWindow, HealthReading


def approve(
    *,
    contract_id: UUID,
    founder: Any,
    window: ActivationWindow,
    seen_digest: str,
    health: HealthReading | None,
    frozen: Collection[str],
    at: datetime,
    note: str = "",
) -> SystemContract:
    """Sign a contract. `health` and `frozen` (names of frozen capabilities) are what a flow read.

    Beside what `approve_contract` refuses: WrongPersonError, CapabilityFrozenError,
    HealthBlocksError (`health_unknown`, `health_blocked`).
    """
    require_founder(founder)
    if frozen:
        raise CapabilityFrozenError(f"Frozen: {', '.join(sorted(frozen))}.")
    if health is None:
        raise HealthBlocksError("Nobody can tell how the platform is.", code="health_unknown")
    if blocking := health.blocking_scopes():
        raise HealthBlocksError(f"Health blocks: {', '.join(blocking)}.")
    return contract_operations.approve_contract(
        contract_id=contract_id,
        founder=founder,
        window=window,
        seen_digest=seen_digest,
        at=at,
        note=note,
    )


def reject(*, contract_id: UUID, founder: Any, reason: str, at: datetime) -> SystemContract:
    """Refuse a contract for good, with a reason of more than 10 characters."""
    require_founder(founder)
    return contract_operations.reject_contract(
        contract_id=contract_id, founder=founder, reason=reason, at=at
    )
