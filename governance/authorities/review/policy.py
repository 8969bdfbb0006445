"""The policy of a review: who may act, on which status, and on which state of the platform."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from governance.authorities.contract.earlier_decisions import undecidable_reason
from governance.domain.errors import (
    CapabilityFrozenError,
    ContractImmutableError,
    HealthBlocksError,
    NotEligibleError,
    SiblingNoteRequiredError,
    WrongPersonError,
)
from governance.domain.health import UnknownHealth, require_known_health
from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES
from governance.domain.people import Actor
from governance.domain.values import ContractStatus, HealthReading
from governance.models import SystemContract
from governance.services.access.permissions import is_operator

COMMENT_PERMISSION = "governance.view_systemcontract"


def require_answerer(person: Actor, contract: SystemContract) -> None:
    """Refuse a person who is neither the contract's proposer nor an operator.

    Raises:
        WrongPersonError: also for an account that is not active.
    """
    is_proposer = person.is_active and contract.proposed_by_id == person.pk
    if not (is_proposer or is_operator(person)):
        raise WrongPersonError(
            "Only the contract's proposer or an operator can answer a founder's question."
        )


def require_commenter(person: Actor) -> None:
    """Refuse a person who may not comment: only active staff who may see contracts may.

    Raises:
        WrongPersonError: for everybody else.
    """
    if not (person.is_active and person.is_staff and person.has_perm(COMMENT_PERMISSION)):
        raise WrongPersonError("Only staff who may see contracts can comment on them.")


def require_reviewable(contract: SystemContract, at: datetime) -> None:
    """Refuse a contract that is not ELIGIBLE; its message says who decided before, and when.

    Raises:
        ContractImmutableError: the contract has ended.
        NotEligibleError: the contract has another status.
    """
    if contract.status == ContractStatus.ELIGIBLE:
        return
    details = {"status": str(contract.status)}
    message = undecidable_reason(contract, at)
    if contract.status in CONTRACT_TERMINAL_STATES:
        raise ContractImmutableError(message, details=details)
    raise NotEligibleError(message, details=details)


def require_sibling_note(note: str, *, has_siblings: bool) -> None:
    """Refuse an approval beside other open contracts that does not say why.

    Raises:
        SiblingNoteRequiredError: the contract has siblings, and the note is empty.
    """
    if has_siblings and not note.strip():
        raise SiblingNoteRequiredError.at(
            "note", "say why this is approved beside the other open contracts on its capabilities"
        )


def require_platform_ready(
    *,
    health: HealthReading | UnknownHealth | None,
    frozen: Collection[str],
    is_rollback: bool = False,
) -> None:
    """Refuse an approval if an affected capability is frozen, or health does not allow it.

    Health does not hold a rollback back.

    Raises:
        CapabilityFrozenError: `frozen` names a capability.
        HealthBlocksError: health is BLOCKED.
        HealthUnknownError: health could not be read.
    """
    if frozen:
        raise CapabilityFrozenError(
            f"Frozen capabilities cannot change: {', '.join(sorted(frozen))}."
        )
    if is_rollback:
        return
    if blocking := require_known_health(health).blocking_scopes():
        raise HealthBlocksError(f"Health is BLOCKED for {', '.join(blocking)}.")
