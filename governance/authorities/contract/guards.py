"""What the contract's operations refuse, and in which words. Pure checks; they write nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from governance.authorities.contract.signatures import SigningProgress
from governance.domain.canonical import timestamp
from governance.domain.errors import (
    AlreadySignedError,
    ClarificationConflictError,
    ConfirmationRequiredError,
    ContractExpiredError,
    FourEyesError,
    InvalidWindowError,
    MayNotVerdictError,
    ReasonRequiredError,
    WrongStateError,
)
from governance.domain.lifecycles import ContractStateMachine
from governance.domain.texts import clean_text
from governance.domain.values import (
    MAX_WINDOW,
    MIN_REASON_LENGTH,
    ActivationWindow,
    ContractStatus,
    RiskLevel,
)
from governance.domain.verdicts import parse_eligibility_verdict
from governance.domain.wording import format_time
from governance.models import SystemContract


def require_decision_reason(reason: Any) -> str:
    """`reason` without white space around it, or ReasonRequiredError: more than 10 characters."""
    text = clean_text(reason, "reason")
    if len(text) < MIN_REASON_LENGTH:
        raise ReasonRequiredError(
            "A reason of more than 10 characters is needed.",
            errors=[{"path": "reason", "message": "must have more than 10 characters"}],
        )
    return text


def refuse_may_not(eligibility_verdict: Mapping[str, Any]) -> None:
    """MAY_NOT cannot be overridden by anyone."""
    verdict = parse_eligibility_verdict(eligibility_verdict)
    if not verdict.may:
        raise MayNotVerdictError(
            f"Eligibility said MAY_NOT: {verdict.reason}",
            details={"first_failing_rule": verdict.first_failing_rule},
        )


def require_move(contract: SystemContract, target: ContractStatus) -> ContractStatus:
    """Refuse a move that the table does not know; return the status that the move starts from."""
    before = ContractStatus(contract.status)
    ContractStateMachine.require_move(before, target)
    return before


def refuse_expired(contract: SystemContract, at: datetime) -> None:
    """After its review time nobody decides on a contract any more, whether swept yet or not.

    While a founder's question is open, its time does not pass.
    """
    ends_at = contract.review_ends_at
    if ends_at is not None and at > ends_at:
        raise ContractExpiredError(f"The time for review ended at {ends_at:%Y-%m-%d %H:%M} UTC.")


def refuse_proposer(contract: SystemContract, founder: Any) -> None:
    """Four eyes: who proposed a contract does not decide on it, superuser or not."""
    if contract.proposed_by_id == founder.pk:
        raise FourEyesError("Who proposed a contract does not decide on it.")


def require_eligible(contract: SystemContract, words: str) -> None:
    """WrongStateError (`not_eligible`), in these `words`, for a contract in another state."""
    if contract.status != ContractStatus.ELIGIBLE:
        raise WrongStateError(
            f"{words}; this contract is {contract.status}.",
            code="not_eligible",
            details={"status": str(contract.status)},
        )


def refuse_second_question(contract: SystemContract) -> None:
    """One question at a time."""
    if contract.review_ends_at is None:
        raise ClarificationConflictError(
            "A question is open already; it waits for its answer.", code="clarification_open"
        )


def require_open_question(contract: SystemContract) -> None:
    """Only an open question is answered."""
    if contract.review_ends_at is not None:
        raise ClarificationConflictError("No question is open.", code="no_open_clarification")


def refuse_second_signature(signing: SigningProgress, founder: Any) -> None:
    """A person counts once: who signed signs again only when their window has closed."""
    for signature in signing.active_signatures:
        if signature.founder_id == founder.pk:
            raise AlreadySignedError(
                "You have signed this; your signature stands until "
                f"{format_time(signature.window_closes_at)}."
            )


def require_window_inside(window: ActivationWindow, signing: SigningProgress) -> None:
    """Nobody widens what another founder agreed to: refuse a window that leaves an earlier one."""
    for signature in signing.active_signatures:
        if not window.is_within(signature.window):
            opens, closes = (
                format_time(signature.window_opens_at),
                format_time(signature.window_closes_at),
            )
            message = (
                f"the window must lie inside the one that {signature.founder.get_username()}"
                f" signed for, {opens} to {closes}"
            )
            raise InvalidWindowError(
                message.capitalize() + ".",
                errors=[{"path": "window_closes_at", "message": message}],
            )


def needs_confirmation(contract: SystemContract) -> bool:
    """A critical change is confirmed by typing the contract's reference."""
    return contract.risk_level == RiskLevel.CRITICAL


def require_confirmation(contract: SystemContract, typed: Any) -> None:
    """Refuse a critical change whose reference was not typed, with ConfirmationRequiredError."""
    if needs_confirmation(contract) and clean_text(typed, "confirmation") != contract.reference:
        raise ConfirmationRequiredError.at(
            "confirmation", "a critical change is confirmed by typing its reference exactly"
        )


def require_window(window: ActivationWindow, at: datetime) -> None:
    """Refuse a window that ends before it starts, is over, or is longer than 168 hours.

    And one whose ends UTC cannot write down: close to the year 10 000, west of Greenwich.
    """
    if not (_is_writable(window.opens_at) and _is_writable(window.closes_at)):
        message = "the window lies beyond the calendar"
    elif window.closes_at <= window.opens_at:
        message = "the window ends before it starts"
    elif window.closes_at - window.opens_at > MAX_WINDOW:
        message = "the window is longer than 168 hours"
    elif window.closes_at <= at:
        message = "the window is over already"
    else:
        return
    raise InvalidWindowError(
        message.capitalize() + ".", errors=[{"path": "window_closes_at", "message": message}]
    )


def _is_writable(at: datetime) -> bool:
    try:
        timestamp(at)
    except OverflowError:
        return False
    return True
