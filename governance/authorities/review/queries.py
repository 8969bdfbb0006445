"""Queries for a review page: the actions that a person may take, and the reasons against others."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.authorities.contract.guards import (
    refuse_expired,
    refuse_proposer,
    refuse_second_question,
    refuse_second_signature,
    require_open_question,
)
from governance.authorities.contract.signatures import SigningProgress
from governance.authorities.review.policy import (
    require_answerer,
    require_commenter,
    require_platform_ready,
    require_reviewable,
)
from governance.db.row_mapping import prepared_rows
from governance.domain.errors import ContractNotFoundError, GovernanceError
from governance.domain.values import ActiveFreeze, HealthReading
from governance.models import SystemContract
from governance.services.access.permissions import require_founder
from governance.services.freezes.guards import refuse_active_freeze
from governance.services.freezes.queries import ACTIVE_FREEZES, longest_freeze

_CIRCUMSTANCES = f"""
    SELECT contract.affected_capabilities, stop.*
      FROM governance_systemcontract contract
      LEFT JOIN LATERAL ({ACTIVE_FREEZES}) stop ON true
     WHERE contract.id = %s
     ORDER BY stop.ends_at DESC, stop.id DESC"""  # noqa: S608 - names of our own


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


def review_permissions(
    *,
    contract: SystemContract,
    person: Any,
    health: HealthReading | None,
    frozen: Collection[str],
    at: datetime,
    signing: SigningProgress,
    freeze: ActiveFreeze | None = None,
) -> ReviewPermissions:
    """Check the guards of each review action against what the caller has read.

    An empty result is no promise: the operation checks again, under lock, and can still refuse.
    """
    answering = _refusals(
        lambda: require_reviewable(contract, at),
        lambda: require_answerer(person, contract),
        lambda: require_open_question(contract),
    )
    commenting = _refusals(lambda: require_commenter(person))
    rejecting = _refusals(
        lambda: require_reviewable(contract, at),
        lambda: require_founder(person),
        lambda: refuse_proposer(contract, person),
    )
    if rejecting:
        return ReviewPermissions(rejecting, rejecting, rejecting, answering, commenting, rejecting)
    approving = _refusals(
        lambda: refuse_active_freeze(freeze),
        lambda: refuse_expired(contract, at),
        lambda: require_platform_ready(health=health, frozen=frozen),
        lambda: refuse_second_signature(signing, person),
    )
    asking = _refusals(
        lambda: refuse_expired(contract, at), lambda: refuse_second_question(contract)
    )
    modifying = _refusals(lambda: refuse_expired(contract, at))
    return ReviewPermissions(approving, rejecting, asking, answering, commenting, modifying)


def capabilities_and_freeze_of(
    contract_id: UUID, at: datetime
) -> tuple[list[str], ActiveFreeze | None]:
    """Return a contract's affected capabilities and the active change freeze at `at`; one query.

    Raises:
        NotFoundError: no such contract.
    """
    found = prepared_rows(_CIRCUMSTANCES, [at, at, at, contract_id])
    if not found:
        raise ContractNotFoundError(contract_id)
    capabilities, is_frozen = found[0][0], found[0][-1] is not None
    return capabilities, longest_freeze([row[1:] for row in found]) if is_frozen else None


def _refusals(*guards: Callable[[], None]) -> tuple[GovernanceError, ...]:
    errors: list[GovernanceError] = []
    for guard in guards:
        try:
            guard()
        except GovernanceError as refusal:
            errors.append(refusal)
    return tuple(errors)
