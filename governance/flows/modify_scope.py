"""The flow of a modified scope: a founder changes a contract, and a new draft replaces it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from governance.authorities.contract.succession import (
    refuse_unmodified,
    revised_proposal,
    supersede_contract,
)
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.review.policy import require_reviewable
from governance.db.transactions import retried, write_transaction
from governance.domain.changes import Change, change_paths, parse_changes, settings_in, targets_at
from governance.domain.values import PlatformState
from governance.models import Account, SystemContract
from governance.record.ledger.chain import lock_contract
from governance.services.access.permissions import require_founder
from governance.services.registry.guards import refuse_like_registered
from governance.services.registry.queries import platform_state_for


@dataclass(frozen=True, slots=True)
class Scope:
    """Planned changes, the plan that they have now, and the platform state of that plan."""

    changes: tuple[Change, ...]
    plan: Sequence[Mapping[str, Any]]
    state: PlatformState


def read_scope(changes: Any) -> Scope:
    """Parse `changes`, in any of their three shapes, and plan them; writes nothing.

    Raises:
        InvalidChangesError: with the path of every invalid field.
        SimilarNameError: a name only looks like a registered one.
    """
    parsed = parse_changes(changes)
    paths = change_paths(changes)
    refuse_like_registered(targets_at(parsed, paths), settings_in(parsed, paths))
    state = platform_state_for(parsed)
    plan = GovernanceOrchestrator.plan_changes(parsed, state=state)
    return Scope(parse_changes([step["change"] for step in plan]), plan, state)


def preview_scope(contract: SystemContract, changes: Any) -> tuple[Scope, tuple[str, ...]]:
    """Return the scope and the affected capabilities of a contract with other changes.

    Writes nothing.

    Raises:
        InvalidInputError: `modify_scope` would refuse the changes.
    """
    scope = read_scope(changes)
    refuse_unmodified(contract, scope.changes)
    return scope, revised_proposal(contract, scope.changes).affected_capabilities


@retried
def modify_scope(
    *,
    contract_id: UUID,
    founder: Account,
    changes: Any,
    reason: str,
    seen_digest: str,
) -> SystemContract:
    """Replace an ELIGIBLE contract by a DRAFT with other changes, and return the DRAFT.

    The old contract ends REJECTED, so a repetition of the call is refused. Health and the change
    freeze are not read, because rejections and proposals are allowed in any state of the platform.

    Raises:
        InvalidChangesError: with the path of every invalid field.
        WrongPersonError: the person is no founder.
        NotFoundError: no such contract.
        WrongStateError: the contract is not ELIGIBLE (see `require_reviewable`).
        GovernanceError: any error of `supersede_contract`.
    """
    scope = read_scope(changes)
    require_founder(founder)
    with write_transaction():
        contract, at = lock_contract(contract_id)
        require_reviewable(contract, at)
        return supersede_contract(
            contract=contract,
            changes=scope.changes,
            plan=scope.plan,
            founder=founder,
            reason=reason,
            seen_digest=seen_digest,
            at=at,
        )
