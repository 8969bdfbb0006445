"""Retries of calls that got no response or a temporary error.

Retried are lost connections (refused, reset, cut off, timed out), incomplete responses, and the
temporary errors 429, 502, 503, 504 and 409 `request_in_progress`. Any other response is final. The
pauses grow and are random, so that many clients do not all return to a restarted site at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import uniform

import httpx

from governance.client.problems import NoAnswer, problem_of

# Errors in the request itself, which no retry can mend, although httpx calls them transport errors.
_PERMANENT_ERRORS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long a call is retried, and how long the pauses between attempts are, in seconds."""

    seconds: float = 60
    first_pause: float = 0.1
    max_pause: float = 10

    def draw_pause(self, attempt: int) -> float:
        """Draw the seconds to wait after an attempt; attempts count from 1."""
        doubled = self.first_pause * 2.0 ** min(attempt - 1, 30)
        return uniform(0, min(self.max_pause, doubled))  # noqa: S311 - keeps no secret


@dataclass(frozen=True, slots=True)
class CallResult:
    """The final response, and the number of attempts, of which each may have had the effect."""

    response: httpx.Response
    attempts: int


def send_with_retries(
    send: Callable[[float], httpx.Response],
    *,
    retry_policy: RetryPolicy,
    within: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    on_trouble: Callable[[str], None] = lambda trouble: None,
) -> CallResult:
    """Call `send` until there is a final response or the time is over.

    When the time is over, the last response is returned, even if it is a temporary error.

    Args:
        send: makes one attempt; its argument is the seconds that are left.
        within: seconds that replace `retry_policy.seconds`, such as the rest of a lease. One
            attempt is made even if they are over.
        on_trouble: called after each attempt that got no final response, with what went wrong.

    Raises:
        NoAnswer: the last attempt got no response, or the request cannot be sent at all.
    """
    begun = time.monotonic()
    budget = retry_policy.seconds if within is None else within
    attempt = 0
    while True:
        attempt += 1
        response, trouble = None, None
        try:
            response = send(budget - (time.monotonic() - begun))
        except _PERMANENT_ERRORS as error:
            raise NoAnswer(_describe(error)) from error
        except httpx.TransportError as error:
            trouble = error
        if response is not None and is_final(response):
            return CallResult(response, attempt)
        on_trouble(_describe(trouble) if response is None else str(problem_of(response)))
        pause = max(retry_policy.draw_pause(attempt), retry_after_seconds(response))
        if pause < budget - (time.monotonic() - begun):
            sleep(pause)
        elif response is not None:
            return CallResult(response, attempt)
        else:
            attempts = "1 attempt" if attempt == 1 else f"{attempt} attempts"
            raise NoAnswer(f"no answer after {attempts}: {_describe(trouble)}") from trouble


def is_final(response: httpx.Response) -> bool:
    """Return whether a response is a success or a refusal, and no temporary error."""
    return response.is_success or not problem_of(response).is_retryable


def retry_after_seconds(response: httpx.Response | None) -> float:
    """Return the seconds that `Retry-After` asks to wait, given in seconds or as a date."""
    text = response.headers.get("Retry-After", "") if response is not None else ""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        retry_at = parsedate_to_datetime(text)
        return (retry_at - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):  # not a date; a date without a zone
        return 0


def _describe(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
