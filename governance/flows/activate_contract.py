"""The flow of an activation: an APPROVED contract becomes one job."""

from __future__ import annotations

from uuid import UUID

from governance.authorities.health.readings import capture_health_snapshot
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.job_state import read_contract
from governance.authorities.review.signed_settings import changed_settings
from governance.db.transactions import retried
from governance.domain.values import DEFAULT_TIMEOUT_MINUTES
from governance.models import Account, GovernanceJob


@retried
def activate_contract(
    *, contract_id: UUID, actor: Account, timeout_minutes: int = DEFAULT_TIMEOUT_MINUTES
) -> GovernanceJob:
    """Read the contract and its health, then activate it; return its PENDING job.

    Raises:
        NotFoundError: no such contract.
        GovernanceError: any error of `ContractActivationService.activate_contract`.
    """
    state = read_contract(contract_id)
    health = capture_health_snapshot(scopes=state.contract.affected_capabilities, at=state.now)
    return GovernanceOrchestrator.activate_contract(
        state,
        actor=actor,
        health=health,
        changed_settings=changed_settings(state.contract, state.platform),
        timeout_minutes=timeout_minutes,
    )
