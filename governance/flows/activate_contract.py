"""The flow of an activation: an APPROVED contract becomes one job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from governance.authorities.health.readings import read_health
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.job_state import read_contract
from governance.authorities.review.signed_settings import changed_settings
from governance.db.transactions import retried
from governance.domain.errors import InvalidInputError, RoutesUnusableError
from governance.domain.values import DEFAULT_TIMEOUT_MINUTES, JobRunner
from governance.flows.read_eligibility import eligibility_at_activation
from governance.flows.route_steps import plan_of, site_routes
from governance.models import Account, GovernanceJob


@retried
def activate_contract(
    *,
    contract_id: UUID,
    actor: Account,
    timeout_minutes: int = DEFAULT_TIMEOUT_MINUTES,
    run_by: JobRunner | None = None,
) -> GovernanceJob:
    """Read the contract and its health, then activate it; return its PENDING job.

    Eligibility is asked again if its rules changed since the contract's verdict.

    A job whose steps all go to handlers of our workers runs by itself; any other is left to
    executors over HTTP.

    Args:
        run_by: who runs the job; None lets the site's routes decide.

    Raises:
        NotFoundError: no such contract.
        RoutesUnusableError: the site's routes cannot be read.
        GovernanceError: any error of `ContractActivationService.activate_contract`.
    """
    state = read_contract(contract_id)
    health = read_health(scopes=state.contract.affected_capabilities, at=state.now)
    return GovernanceOrchestrator.activate_contract(
        state,
        actor=actor,
        health=health,
        changed_settings=changed_settings(state.contract, state.platform),
        decided_again=eligibility_at_activation(state),
        timeout_minutes=timeout_minutes,
        run_by=run_by or _runner_of(state.contract.plan),
    )


def runs_by_itself(steps: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the job of a plan would be run by the site's own workers."""
    try:
        return _runner_of(steps) is JobRunner.WORKER
    except RoutesUnusableError:
        return False


def _runner_of(steps: Sequence[Mapping[str, Any]]) -> JobRunner:
    try:
        routes = site_routes()
    except InvalidInputError as error:
        raise RoutesUnusableError(f"The site's routes cannot be used: {error}") from None
    return JobRunner.WORKER if routes.runs_here(plan_of(steps)) else JobRunner.CLIENT
