"""A founder modifies what a contract would change; a new draft takes its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.contract.succession import refuse_unmodified, revised
from governance.models import SystemContract
from governance.orchestrator.facade import GovernanceOrchestrator
from governance.registry.queries import state_behind
from governance.review import operations as review
from governance.vocabulary.changes import Change, parse_changes
from governance.vocabulary.values import PlatformState


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
    state = state_behind(parsed)
    return Scope(parsed, GovernanceOrchestrator.plan_changes(parsed, state=state), state)


def preview_scope(contract: SystemContract, changes: Any) -> tuple[Scope, tuple[str, ...]]:
    """What a contract modified to `changes` would be, and the capabilities it would be about.

    Writes nothing. Raises InvalidInputError for what `modify_scope` would refuse of the changes.
    """
    scope = read_scope(changes)
    refuse_unmodified(contract, scope.changes)
    return scope, revised(contract, scope.changes).affected_capabilities


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
