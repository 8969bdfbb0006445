"""An approved contract becomes one job."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from governance.flows.freeze_line import saying_why_it_is_frozen
from governance.health.readings import capture_health_snapshot
from governance.models import GovernanceJob
from governance.orchestrator.facade import GovernanceOrchestrator
from governance.review.queries import circumstances_of
from governance.vocabulary.values import DEFAULT_TIMEOUT_MINUTES


def activate_contract(
    *,
    contract_id: UUID,
    actor: Any,
    at: datetime,
    timeout_minutes: int = DEFAULT_TIMEOUT_MINUTES,
) -> GovernanceJob:
    """Read health and the line, then activate: APPROVED → ACTIVE, with its job PENDING."""
    capabilities, freeze = circumstances_of(contract_id, at)
    with saying_why_it_is_frozen(at):
        return GovernanceOrchestrator.activate_contract(
            contract_id,
            actor=actor,
            health=capture_health_snapshot(scopes=capabilities, at=at),
            at=at,
            timeout_minutes=timeout_minutes,
            freeze=freeze,
        )
