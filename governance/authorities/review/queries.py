"""Queries for a review page: the actions that a person may take, and the reasons against others."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from governance.authorities.contract.guards import (
    refuse_expired,
    refuse_proposer,
    refuse_second_question,
    refuse_second_signature,
    require_open_question,
    require_repeatable,
    require_withdrawable,
)
from governance.authorities.contract.rollbacks import require_rollback_possible
from governance.authorities.contract.signatures import SigningProgress
from governance.authorities.review.policy import (
    require_answerer,
    require_commenter,
    require_platform_ready,
    require_reviewable,
)
from governance.domain.errors import GovernanceError
from governance.domain.people import Actor
from governance.domain.values import ActiveFreeze, HealthReading
from governance.models import SystemContract
from governance.services.access.permissions import require_founder, require_proposer
from governance.services.freezes.guards import refuse_active_freeze


@dataclass(frozen=True, slots=True)
class ReviewPermissions:
    """The errors that each action of a person would raise now; empty for an allowed action.

    The first error of each is the most basic one.
    """

    against_approving: tuple[GovernanceError, ...]
    against_rejecting: tuple[GovernanceError, ...]
    against_asking: tuple[GovernanceError, ...]
    against_answering: tuple[GovernanceError, ...]
    against_commenting: tuple[GovernanceError, ...]
    against_modifying: tuple[GovernanceError, ...]
    against_withdrawing: tuple[GovernanceError, ...]
    against_repeating: tuple[GovernanceError, ...]
    against_rolling_back: tuple[GovernanceError, ...]


def review_permissions(
    *,
    contract: SystemContract,
    person: Actor,
    health: HealthReading | None,
    frozen: Collection[str],
    at: datetime,
    signing: SigningProgress,
    freeze: ActiveFreeze | None = None,
    completed_steps: int = 0,
) -> ReviewPermissions:
    """Check the guards of each review action against what the caller has read.

    An empty result is no promise: the operation checks again, under lock, and can still refuse.

    Args:
        completed_steps: how many steps of the contract's job were completed.
    """
    answering = _refusals(
        lambda: require_reviewable(contract, at),
        lambda: require_answerer(person, contract),
        lambda: require_open_question(contract),
    )
    commenting = _refusals(lambda: require_commenter(person))
    others = (
        _refusals(lambda: require_withdrawable(contract), lambda: require_founder(person)),
        _refusals(lambda: require_repeatable(contract), lambda: require_proposer(person)),
        _refusals(
            lambda: require_rollback_possible(contract, completed_steps),
            lambda: require_proposer(person),
        ),
    )
    rejecting = _refusals(
        lambda: require_reviewable(contract, at),
        lambda: require_founder(person),
        lambda: refuse_proposer(contract, person),
    )
    if rejecting:
        return ReviewPermissions(
            rejecting, rejecting, rejecting, answering, commenting, rejecting, *others
        )
    approving = _refusals(
        lambda: refuse_active_freeze(freeze),
        lambda: refuse_expired(contract, at),
        lambda: require_platform_ready(
            health=health, frozen=frozen, is_rollback=contract.is_rollback
        ),
        lambda: refuse_second_signature(signing, person),
    )
    asking = _refusals(
        lambda: refuse_expired(contract, at), lambda: refuse_second_question(contract)
    )
    modifying = _refusals(lambda: refuse_expired(contract, at))
    return ReviewPermissions(
        approving, rejecting, asking, answering, commenting, modifying, *others
    )


def _refusals(*guards: Callable[[], None]) -> tuple[GovernanceError, ...]:
    errors: list[GovernanceError] = []
    for guard in guards:
        try:
            guard()
        except GovernanceError as refusal:
            errors.append(refusal)
    return tuple(errors)
