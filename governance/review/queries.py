"""What stands in the way of a decision, asked before anybody decides; and whether the line runs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.contract.guards import (
    refuse_expired,
    refuse_frozen_line,
    refuse_proposer,
    refuse_second_question,
    refuse_second_signature,
    refuse_unasked,
)
from governance.contract.signatures import Signing
from governance.models import SystemContract
from governance.models.prepared import prepared_rows
from governance.review.policy import (
    require_answerer,
    require_commenter,
    require_fit_platform,
    require_founder,
    require_reviewable,
)
from governance.vocabulary.errors import GovernanceError
from governance.vocabulary.values import HealthReading, StandingFreeze

# As FreezeQuerySet.in_force has it; every activation, claim and start asks.
_IN_FORCE = """
    SELECT stop.ends_at, stop.reason, person.username, stop.frozen_at
      FROM governance_linefreeze stop
      JOIN auth_user person ON person.id = stop.frozen_by_id
      LEFT JOIN governance_linethaw thaw ON thaw.freeze_id = stop.id
     WHERE stop.ends_at > %s
       AND (thaw.id IS NULL OR (stop.frozen_at <= %s AND thaw.thawed_at > %s))
     ORDER BY stop.ends_at DESC, stop.id DESC"""


@dataclass(frozen=True, slots=True)
class ReviewStanding:
    """The refusals that a person would hear now, most basic first; empty where none is known."""

    against_approving: tuple[GovernanceError, ...]
    against_rejecting: tuple[GovernanceError, ...]
    against_asking: tuple[GovernanceError, ...]
    against_answering: tuple[GovernanceError, ...]
    against_commenting: tuple[GovernanceError, ...]
    against_modifying: tuple[GovernanceError, ...]


def review_standing(
    *,
    contract: SystemContract,
    person: Any,
    health: HealthReading | None,
    frozen: Collection[str],
    at: datetime,
    signing: Signing,
    freeze: StandingFreeze | None = None,
) -> ReviewStanding:
    """Ask the guards of all that a review knows. It promises nothing: the operations decide."""
    answering = _refusals(
        lambda: require_reviewable(contract),
        lambda: require_answerer(person, contract),
        lambda: refuse_unasked(contract),
    )
    commenting = _refusals(lambda: require_commenter(person))
    rejecting = _refusals(
        lambda: require_reviewable(contract),
        lambda: require_founder(person),
        lambda: refuse_proposer(contract, person),
    )
    if rejecting:
        return ReviewStanding(rejecting, rejecting, rejecting, answering, commenting, rejecting)
    approving = _refusals(
        lambda: refuse_frozen_line(freeze),
        lambda: refuse_expired(contract, at),
        lambda: require_fit_platform(health=health, frozen=frozen),
        lambda: refuse_second_signature(signing, person),
    )
    asking = _refusals(
        lambda: refuse_expired(contract, at), lambda: refuse_second_question(contract)
    )
    modifying = _refusals(lambda: refuse_expired(contract, at))
    return ReviewStanding(approving, rejecting, asking, answering, commenting, modifying)


def freeze_in_force(at: datetime) -> StandingFreeze | None:
    """Why the line stands still at `at`, and until when; None while it runs. One query."""
    standing = prepared_rows(_IN_FORCE, [at, at, at])
    if not standing:
        return None
    until, reason, by, since = standing[0]
    return StandingFreeze(until, reason, by, since, freezes=len(standing))


def _refusals(*guards: Callable[[], None]) -> tuple[GovernanceError, ...]:
    heard: list[GovernanceError] = []
    for guard in guards:
        try:
            guard()
        except GovernanceError as refusal:
            heard.append(refusal)
    return tuple(heard)
