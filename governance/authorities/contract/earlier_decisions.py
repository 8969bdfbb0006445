"""Refusals of a decision on a contract that was decided before, with who decided and when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from governance.authorities.contract.guards import require_move
from governance.domain.errors import InvalidTransitionError
from governance.domain.values import ContractStatus, EligibilityDecision
from governance.models import SystemContract


def require_decidable(
    contract: SystemContract, target: ContractStatus, *, at: datetime
) -> ContractStatus:
    """Refuse a founder's move that is not in the table; return the status from which it starts.

    Raises:
        InvalidTransitionError: as `require_move`, with the message of `undecidable_reason`.
    """
    try:
        return require_move(contract, target)
    except InvalidTransitionError as refusal:
        message = undecidable_reason(contract, at)
        raise type(refusal)(message, details=refusal.details) from None


def undecidable_reason(contract: SystemContract, at: datetime) -> str:
    """Return, as a sentence, why a founder cannot decide on a contract that is not ELIGIBLE.

    If the contract was decided before, the sentence says by whom and at what time in UTC. It has
    the date too, unless that is the date of `at`.
    """
    by: Any = None
    done_at = contract.closed_at or at
    match contract.status:
        case ContractStatus.APPROVED | ContractStatus.ACTIVE:
            done, by = "was already approved", contract.approved_by
            done_at = contract.approved_at or at
        case ContractStatus.REJECTED:
            # `closed_by` of a MAY_NOT contract is the account that recorded the verdict.
            is_may_not = contract.eligibility_decision == EligibilityDecision.MAY_NOT
            done = "was already rejected"
            by = "its eligibility verdict" if is_may_not else contract.closed_by
        case ContractStatus.COMPLETED:
            done = "was already completed"
        case ContractStatus.FAILED:
            done = "already failed"
        case ContractStatus.EXPIRED:
            done = "already expired"
        case status:
            return f"Only an ELIGIBLE contract is reviewed; this one is {status}."
    done_at = done_at.astimezone(UTC)
    is_same_day = done_at.date() == at.astimezone(UTC).date()
    return (
        f"This contract {done}{f' by {by}' if by else ''}"
        f"{'' if is_same_day else f' on {done_at:%-d %b %Y}'} at {done_at:%H:%M} UTC."
    )
