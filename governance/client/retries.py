"""Calls that are made again until they are answered, for as long as that has a point.

Made again is what got no answer (a connection refused, reset or cut, an answer that broke off, a
timeout), and what says that it will pass: 429, 502, 503, 504, and 409 `request_in_progress`.
Any other answer is one. The pauses grow and are drawn by lot, so that a thousand clients of a site
that comes back do not come all at once.
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

# What no second attempt can mend, although httpx counts it as trouble on the way.
_PERMANENT_ERRORS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """For how long a call is tried in all, and how long the pauses between its attempts get."""

    seconds: float = 60
    first_pause: float = 0.1
    max_pause: float = 10

    def draw_pause(self, attempt: int) -> float:
        """Seconds to wait after the attempt of that number, from 1 on: anything up to its limit."""
        doubled = self.first_pause * 2.0 ** min(attempt - 1, 30)
        return uniform(0, min(self.max_pause, doubled))  # noqa: S311 - keeps no secret


@dataclass(frozen=True, slots=True)
class CallResult:
    """What was answered in the end, and at which attempt."""

    response: httpx.Response
    attempts: int

    @property
    def was_retried(self) -> bool:
        """Whether an earlier attempt may have had the effect already."""
        return self.attempts > 1


def send_with_retries(
    send: Callable[[float], httpx.Response],
    *,
    retry_policy: RetryPolicy,
    within: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> CallResult:
    """Call `send` until it is answered; it gets the seconds that are left.

    `within` takes the place of `retry_policy.seconds` where something else says how long there is,
    such as a lease; one attempt is made however little that is. When the time is over, the last
    answer is the answer, and where there was none, NoAnswer is raised.
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
        if response is not None and (response.is_success or not problem_of(response).is_retryable):
            return CallResult(response, attempt)
        pause = max(retry_policy.draw_pause(attempt), retry_after_seconds(response))
        if pause < budget - (time.monotonic() - begun):
            sleep(pause)
        elif response is not None:
            return CallResult(response, attempt)
        else:
            raise NoAnswer(f"no answer after {attempt} attempts: {_describe(trouble)}") from trouble


def retry_after_seconds(response: httpx.Response | None) -> float:
    """How long `Retry-After` asks us to wait: in seconds, or until a date."""
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
