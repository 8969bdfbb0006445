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
_HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


@dataclass(frozen=True, slots=True)
class Patience:
    """For how long a call is tried in all, and how long the pauses between its attempts get."""

    seconds: float = 60
    first_pause: float = 0.1
    longest_pause: float = 10

    def draw_pause(self, attempt: int) -> float:
        """Seconds to wait after the attempt of that number, from 1 on: anything up to its limit."""
        doubled = self.first_pause * 2.0 ** min(attempt - 1, 30)
        return uniform(0, min(self.longest_pause, doubled))  # noqa: S311 - keeps no secret


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered in the end, and at which attempt."""

    response: httpx.Response
    attempts: int

    @property
    def was_asked_before(self) -> bool:
        """Whether an earlier attempt may have had the effect already."""
        return self.attempts > 1


def ask_patiently(
    ask: Callable[[float], httpx.Response],
    *,
    patience: Patience,
    within: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Call `ask` until it is answered; it gets the seconds that are left.

    `within` takes the place of `patience.seconds` where something else says how long there is, such
    as a lease; one attempt is made however little that is. When the time is over, the last answer
    is the answer, and where there was none, NoAnswer is raised.
    """
    begun = time.monotonic()
    budget = patience.seconds if within is None else within
    attempt = 0
    while True:
        attempt += 1
        response, trouble = None, None
        try:
            response = ask(budget - (time.monotonic() - begun))
        except _HOPELESS as error:
            raise NoAnswer(_in_words(error)) from error
        except httpx.TransportError as error:
            trouble = error
        if response is not None and (response.is_success or not problem_of(response).passes):
            return Answer(response, attempt)
        pause = max(patience.draw_pause(attempt), asked_pause(response))
        if pause < budget - (time.monotonic() - begun):
            sleep(pause)
        elif response is not None:
            return Answer(response, attempt)
        else:
            raise NoAnswer(f"no answer after {attempt} attempts: {_in_words(trouble)}") from trouble


def asked_pause(response: httpx.Response | None) -> float:
    """How long `Retry-After` asks us to wait: in seconds, or until a date."""
    text = response.headers.get("Retry-After", "") if response is not None else ""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
        return (moment - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):  # not a date; a date without a zone
        return 0


def _in_words(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
