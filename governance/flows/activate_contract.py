"""The flow of an activation: an APPROVED contract becomes one job."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from governance.authorities.health.readings import capture_health_snapshot
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.review.queries import capabilities_and_freeze_of
from governance.domain.values import DEFAULT_TIMEOUT_MINUTES
from governance.models import GovernanceJob
from governance.services.freezes.guards import freeze_error_details


def activate_contract(
    *,
    contract_id: UUID,
    actor: Any,
    at: datetime,
    timeout_minutes: int = DEFAULT_TIMEOUT_MINUTES,
) -> GovernanceJob:
    """Read health and the active freeze, then activate the contract; return its PENDING job.

    Raises:
        GovernanceError: any error of `ContractActivationService.activate_contract`.
    """
    capabilities, freeze = capabilities_and_freeze_of(contract_id, at)
    with freeze_error_details(at):
        return GovernanceOrchestrator.activate_contract(
            contract_id,
            actor=actor,
            health=capture_health_snapshot(scopes=capabilities, at=at),
            at=at,
            timeout_minutes=timeout_minutes,
            freeze=freeze,
        )
