"""A founder modifies what a contract would change; a new draft takes its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.authorities.contract.succession import refuse_unmodified, revised_proposal
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.review import operations as review
from governance.domain.changes import Change, parse_changes
from governance.domain.values import PlatformState
from governance.models import SystemContract
from governance.services.registry.queries import platform_state_for


@dataclass(frozen=True, slots=True)
class Scope:
    """Changes that were read, the plan that they would have now, and the platform behind them."""

    changes: tuple[Change, ...]
    plan: Sequence[Mapping[str, Any]]
    state: PlatformState


def read_scope(changes: Any) -> Scope:
    """What `changes`, in any of their three shapes, would be as a contract; writes nothing.

    Raises InvalidChangesError that names every fault, by the path of its field.
    """
    parsed = parse_changes(changes)
    state = platform_state_for(parsed)
    return Scope(parsed, GovernanceOrchestrator.plan_changes(parsed, state=state), state)


def preview_scope(contract: SystemContract, changes: Any) -> tuple[Scope, tuple[str, ...]]:
    """What a contract modified to `changes` would be, and the capabilities it would be about.

    Writes nothing. Raises InvalidInputError for what `modify_scope` would refuse of the changes.
    """
    scope = read_scope(changes)
    refuse_unmodified(contract, scope.changes)
    return scope, revised_proposal(contract, scope.changes).affected_capabilities


def modify_scope(
    *,
    contract_id: UUID,
    founder: Any,
    changes: Any,
    reason: str,
    seen_digest: str,
    at: datetime,
) -> SystemContract:
    """The DRAFT that takes the place of an ELIGIBLE contract, which ends REJECTED, superseded.

    Neither health nor a freeze of the line is asked: nothing moves on by it, and a founder may
    reject and anybody propose while the line stands still. See `review.modify_scope` for what is
    refused. The same call again is refused too: the contract has ended by then.
    """
    scope = read_scope(changes)
    return review.modify_scope(
        contract_id=contract_id,
        changes=scope.changes,
        plan=scope.plan,
        founder=founder,
        reason=reason,
        seen_digest=seen_digest,
        at=at,
    )
