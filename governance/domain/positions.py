"""Numbers and times as digits in a page cursor, without loss."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
MAX_DIGITS = 18


def read_digits(text: str, *, max_digits: int) -> int:
    """Parse a number of at most `max_digits` ASCII digits.

    Raises:
        ValueError: for any other text.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= max_digits):
        raise ValueError
    return int(text)


def time_to_digits(at: datetime) -> str:
    """Format a time as the microseconds since 1970 (UTC)."""
    return str((at - _BEGINNING) // _TICK)


def time_from_digits(text: str) -> datetime:
    """Parse a time from the microseconds since 1970 (UTC).

    Raises:
        ValueError: for text that is not such a number, or beyond the range of `datetime`.
    """
    try:
        return _BEGINNING + read_digits(text, max_digits=MAX_DIGITS) * _TICK
    except OverflowError:
        raise ValueError from None
