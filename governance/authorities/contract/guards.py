"""Guards of a contract's operations: pure checks that raise the error of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from governance.authorities.contract.signatures import SigningProgress
from governance.domain.canonical import timestamp
from governance.domain.errors import (
    AlreadySignedError,
    ClarificationOpenError,
    ConfirmationRequiredError,
    ContractExpiredError,
    ContractImmutableError,
    FourEyesError,
    InvalidTransitionError,
    InvalidWindowError,
    MayNotVerdictError,
    NoOpenClarificationError,
    NotRepeatableError,
    ReasonRequiredError,
    StaleCopyError,
)
from governance.domain.lifecycles import (
    CONTRACT_TERMINAL_STATES,
    REPEATABLE_STATES,
    ContractStateMachine,
)
from governance.domain.people import Actor
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
    """Return the reason of a decision without white space around it.

    Raises:
        ReasonRequiredError: it has 10 characters or less.
        InvalidInputError: it is no text, or too long.
    """
    text = clean_text(reason, "reason")
    if len(text) < MIN_REASON_LENGTH:
        raise ReasonRequiredError(
            "A reason of more than 10 characters is needed.",
            errors=[{"path": "reason", "message": "must have more than 10 characters"}],
        )
    return text


def refuse_may_not(eligibility_verdict: Mapping[str, Any]) -> None:
    """Refuse a proposal whose eligibility verdict is MAY_NOT, which nobody can override.

    Raises:
        MayNotVerdictError: with `first_failing_rule` in its details.
        InvalidVerdictError: the verdict does not fit its form.
    """
    verdict = parse_eligibility_verdict(eligibility_verdict)
    if not verdict.may:
        raise MayNotVerdictError(
            f"Eligibility said MAY_NOT: {verdict.reason}",
            details={"first_failing_rule": verdict.first_failing_rule},
        )


def require_move(contract: SystemContract, target: ContractStatus) -> ContractStatus:
    """Refuse a move that is not in the table; return the status from which the move starts.

    Raises:
        InvalidTransitionError: the move is not in the table (ContractImmutableError if the
            contract has ended).
    """
    before = ContractStatus(contract.status)
    ContractStateMachine.require_move(before, target)
    return before


def require_withdrawable(contract: SystemContract) -> None:
    """Refuse a contract whose approval cannot be withdrawn: it has none, or was activated.

    Raises:
        InvalidTransitionError: the contract is not APPROVED (ContractImmutableError if the contract
            has ended).
    """
    if contract.status != ContractStatus.APPROVED:
        ended = contract.status in CONTRACT_TERMINAL_STATES
        error_class = ContractImmutableError if ended else InvalidTransitionError
        raise error_class(
            "An approval is withdrawn before the contract is activated; this one is "
            f"{contract.status}.",
            details={"status": str(contract.status)},
        )


def require_repeatable(contract: SystemContract) -> None:
    """Refuse to repeat a contract that did not fail, expire or get rejected.

    Raises:
        NotRepeatableError: the contract has another status.
    """
    if contract.status not in REPEATABLE_STATES:
        raise NotRepeatableError(
            "Only a contract that failed, expired or was rejected can be proposed again; this one "
            f"is {contract.status}.",
            details={"status": str(contract.status)},
        )


def refuse_expired(contract: SystemContract, at: datetime) -> None:
    """Refuse a contract whose time for review is over, even if no sweep has expired it yet.

    While a question is open, the review is paused and cannot expire.

    Raises:
        ContractExpiredError: `at` is after the end of the review.
    """
    ends_at = contract.review_ends_at
    if ends_at is not None and at > ends_at:
        raise ContractExpiredError(f"The time for review ended at {ends_at:%Y-%m-%d %H:%M} UTC.")


def refuse_proposer(contract: SystemContract, founder: Actor) -> None:
    """Refuse a decision by the contract's proposer (four eyes), a superuser included.

    Raises:
        FourEyesError: the founder proposed the contract.
    """
    if contract.proposed_by_id == founder.pk:
        raise FourEyesError("The proposer of a contract cannot decide on it.")


def require_seen_content(contract: SystemContract, seen_digest: str) -> None:
    """Refuse a founder who read another content than the contract's.

    Raises:
        StaleCopyError: the content digest is not `seen_digest`.
    """
    if seen_digest != contract.content_digest:
        raise StaleCopyError(
            "The contract's content is not the one on the page that you read; reload the page."
        )


def refuse_second_question(contract: SystemContract) -> None:
    """Refuse a question while another one is open.

    Raises:
        ClarificationOpenError: a question is open.
    """
    if contract.review_ends_at is None:
        raise ClarificationOpenError("A question is already open and has no answer yet.")


def require_open_question(contract: SystemContract) -> None:
    """Refuse an answer while no question is open.

    Raises:
        NoOpenClarificationError: no question is open.
    """
    if contract.review_ends_at is not None:
        raise NoOpenClarificationError("No question is open.")


def refuse_second_signature(signing: SigningProgress, founder: Actor) -> None:
    """Refuse a second signature of a founder whose first one still counts.

    Raises:
        AlreadySignedError: the window of the founder's signature has not closed.
    """
    for signature in signing.active_signatures:
        if signature.founder_id == founder.pk:
            raise AlreadySignedError(
                "You have signed this contract; your signature counts until "
                f"{format_time(signature.window_closes_at)}."
            )


def require_window_inside(window: ActivationWindow, signing: SigningProgress) -> None:
    """Refuse a window that is not inside the window of every signature that counts.

    So every founder has agreed to the final window.

    Raises:
        InvalidWindowError: with the window that the earlier founder signed for.
    """
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
                f"{message[0].upper()}{message[1:]}.",
                errors=[{"path": "window_closes_at", "message": message}],
            )


def needs_confirmation(contract: SystemContract) -> bool:
    """Return whether a founder must type the reference, as for every critical contract."""
    return RiskLevel(contract.risk_level) is RiskLevel.CRITICAL


def require_confirmation(contract: SystemContract, typed: Any) -> None:
    """Refuse the approval of a critical contract whose reference was not typed.

    Raises:
        ConfirmationRequiredError: `typed` is not the contract's reference.
    """
    if needs_confirmation(contract) and clean_text(typed, "confirmation") != contract.reference:
        raise ConfirmationRequiredError.at(
            "confirmation", "type the contract's reference exactly to approve a critical change"
        )


def require_window(window: ActivationWindow, at: datetime) -> None:
    """Refuse a window that ends before it starts, is over, is too long, or opens too far ahead.

    It lasts at most 168 hours, and opens at most `GOVSITE["MAX_LEAD_HOURS"]` from now. A window
    with an end outside the years 1 to 9999 in UTC is refused too, because such a time cannot be
    serialized.

    Raises:
        InvalidWindowError: with the path `window_closes_at` or `window_opens_at`.
    """
    path, lead_hours = "window_closes_at", settings.GOVSITE["MAX_LEAD_HOURS"]
    if not (_is_writable(window.opens_at) and _is_writable(window.closes_at)):
        message = "the window is outside the years 1 to 9999"
    elif window.closes_at <= window.opens_at:
        message = "the window ends before it starts"
    elif window.closes_at - window.opens_at > MAX_WINDOW:
        message = "the window is longer than 168 hours"
    elif window.closes_at <= at:
        message = "the window has already ended"
    elif window.opens_at - at > timedelta(hours=lead_hours):
        path = "window_opens_at"
        message = f"the window opens more than {lead_hours} hours from now"
    else:
        return
    raise InvalidWindowError(
        f"{message[0].upper()}{message[1:]}.", errors=[{"path": path, "message": message}]
    )


def _is_writable(at: datetime) -> bool:
    try:
        timestamp(at)
    except OverflowError:
        return False
    return True
