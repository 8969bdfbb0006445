"""Words on the command line → values; argparse answers a wrong one with exit code 2.

And the other way round: text of a stranger's, as a terminal may show it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, date, datetime
from uuid import UUID

from governance.domain.values import TIMEOUT_MINUTES

MAX_PRINTED_LENGTH = 1000


def printable(text: str) -> str:
    """`text` as a terminal may show it: on one line, no longer than a reader reads.

    What would move a cursor, turn a line round or hide is spelled as an escape.
    """
    if len(text) > MAX_PRINTED_LENGTH:
        text = text[: MAX_PRINTED_LENGTH - 1] + "…"
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def parse_id(text: str) -> UUID:
    """A contract's or a job's id."""
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an id (a UUID)") from None


def number_in(numbers: range) -> Callable[[str], int]:
    """A whole number from a range."""

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) not in numbers:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {numbers[0]} to {numbers[-1]}"
            )
        return int(text)

    return parse


def parse_day_or_time(text: str) -> datetime:
    """A day, which is its first moment in UTC, or a time in RFC 3339 with its zone."""
    try:
        return parse_time(f"{date.fromisoformat(text).isoformat()}T00:00:00Z")
    except ValueError:
        return parse_time(text)


timeout_minutes = number_in(TIMEOUT_MINUTES)


def parse_time(text: str) -> datetime:
    """A time in RFC 3339, with its zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time in RFC 3339 with its zone, as in 2026-11-02T09:00:00Z"
        )
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise argparse.ArgumentTypeError(f"{text!r} lies beyond the calendar") from None
