"""What stands in the way of a decision, asked before anybody decides; and whether the line runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

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
from governance.models.contract import no_such_contract
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
    SELECT stop.ends_at, stop.reason, person.username, stop.frozen_at, stop.id
      FROM governance_linefreeze stop
      JOIN governance_account person ON person.id = stop.frozen_by_id
      LEFT JOIN governance_linethaw thaw ON thaw.freeze_id = stop.id
     WHERE stop.ends_at > %s
       AND (thaw.id IS NULL OR (stop.frozen_at <= %s AND thaw.thawed_at > %s))
     ORDER BY stop.ends_at DESC, stop.id DESC"""
_CIRCUMSTANCES = f"""
    SELECT contract.affected_capabilities, stop.*
      FROM governance_systemcontract contract
      LEFT JOIN LATERAL ({_IN_FORCE}) stop ON true
     WHERE contract.id = %s
     ORDER BY stop.ends_at DESC, stop.id DESC"""  # noqa: S608 - our own words


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
    return _standing_freeze(standing) if standing else None


def circumstances_of(contract_id: UUID, at: datetime) -> tuple[list[str], StandingFreeze | None]:
    """What a decision on a contract depends on besides it: the capabilities that it is about, and
    what `freeze_in_force` says. One query. Raises NotFoundError."""
    found = prepared_rows(_CIRCUMSTANCES, [at, at, at, contract_id])
    if not found:
        raise no_such_contract(contract_id)
    capabilities, is_frozen = found[0][0], found[0][-1] is not None
    return capabilities, _standing_freeze([row[1:] for row in found]) if is_frozen else None


def _standing_freeze(rows: Sequence[tuple[Any, ...]]) -> StandingFreeze:
    """Of several the one that holds the line longest, which comes first."""
    until, reason, by, since, _ = rows[0]
    return StandingFreeze(until, reason, by, since, freezes=len(rows))


def _refusals(*guards: Callable[[], None]) -> tuple[GovernanceError, ...]:
    heard: list[GovernanceError] = []
    for guard in guards:
        try:
            guard()
        except GovernanceError as refusal:
            heard.append(refusal)
    return tuple(heard)
