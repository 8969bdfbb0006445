"""How a place in a list is written into an address: numbers and moments as digits, exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
MAX_DIGITS = 18


def read_digits(text: str, *, max_digits: int) -> int:
    """The number that `text` says in at most so many ASCII digits, or ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= max_digits):
        raise ValueError
    return int(text)


def time_to_digits(at: datetime) -> str:
    """The microseconds since 1970, which `time_from_digits` reads again."""
    return str((at - _BEGINNING) // _TICK)


def time_from_digits(text: str) -> datetime:
    """The moment that these microseconds since 1970 tell; ValueError for any other text."""
    try:
        return _BEGINNING + read_digits(text, max_digits=MAX_DIGITS) * _TICK
    except OverflowError:
        raise ValueError from None
