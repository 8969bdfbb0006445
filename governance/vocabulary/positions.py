"""How a place in a list is written into an address: numbers and moments as digits, exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
MOST_DIGITS = 18


def read_digits(text: str, *, most: int) -> int:
    """The number that `text` says in at most so many ASCII digits, or ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= most):
        raise ValueError
    return int(text)


def digits_of_moment(at: datetime) -> str:
    """The microseconds since 1970, which `moment_in_digits` reads again."""
    return str((at - _BEGINNING) // _TICK)


def moment_in_digits(text: str) -> datetime:
    """The moment that these microseconds since 1970 tell; ValueError for any other text."""
    try:
        return _BEGINNING + read_digits(text, most=MOST_DIGITS) * _TICK
    except OverflowError:
        raise ValueError from None
