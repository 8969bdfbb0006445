"""Arguments that several commands share, their parsers, and escaping of text for a terminal.

argparse ends the command with exit code 2 when a parser here raises ArgumentTypeError.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from governance.domain.values import DEFAULT_TIMEOUT_MINUTES, TIMEOUT_MINUTES
from governance.domain.visible_text import visible_text

MAX_PRINTED_LENGTH = 1000
MAX_DURATION = timedelta(days=365)
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def printable(text: str) -> str:
    """Return `text` safe for a terminal: one line of at most 1000 characters, nothing hidden."""
    shown = visible_text(text[: MAX_PRINTED_LENGTH + 1])
    if len(shown) <= MAX_PRINTED_LENGTH:
        return shown
    shown = shown[: MAX_PRINTED_LENGTH - 1]
    if shown.rfind("⟦") > shown.rfind("⟧"):  # a mark is shown whole or not at all
        shown = shown[: shown.rfind("⟦")]
    return shown + "…"


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines whose columns are as wide as their longest text."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in (headings, *rows)
    ]


def parse_id(text: str) -> UUID:
    """Parse the id of a contract, a job or a freeze."""
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an id (a UUID)") from None


def number_in(numbers: range) -> Callable[[str], int]:
    """Return a parser of whole numbers in `numbers`."""

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) not in numbers:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {numbers[0]} to {numbers[-1]}"
            )
        return int(text)

    return parse


def parse_duration(text: str) -> timedelta:
    """Parse a duration of at most a year: a whole number of s, m, h or d, such as 90m."""
    number, unit = text[:-1], text[-1:]
    if number.isascii() and number.isdigit() and unit in _UNITS and len(number) < 9:
        duration = int(number) * _UNITS[unit]
        if timedelta(0) < duration <= MAX_DURATION:
            return duration
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a duration of at most a year, such as 30s, 90m, 12h or 7d"
    )


def add_reason_argument(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Add the required option `--reason TEXT`."""
    parser.add_argument("--reason", metavar="TEXT", required=True, help=help_text)


def add_key_argument(parser: argparse.ArgumentParser, signature: str) -> None:
    """Add the option `--key PEM` for what the help text calls `signature`."""
    parser.add_argument(
        "--key",
        type=Path,
        metavar="PEM",
        help=f"The public key of {signature} (default: that of the key in "
        "GOVSITE_LEDGER_SIGNING_KEY_FILE).",
    )


def add_timeout_argument(parser: argparse.ArgumentParser, jobs: str) -> None:
    """Add the option `--timeout-minutes N` of the jobs that the help text calls `jobs`."""
    parser.add_argument(
        "--timeout-minutes",
        metavar="N",
        type=number_in(TIMEOUT_MINUTES),
        default=DEFAULT_TIMEOUT_MINUTES,
        help=f"How many minutes {jobs} may run, 1 to 1440 (default: %(default)s).",
    )


def parse_day_or_time(text: str) -> datetime:
    """Parse a day, which means its start in UTC, or a time in RFC 3339 with its zone."""
    try:
        return parse_time(f"{date.fromisoformat(text).isoformat()}T00:00:00Z")
    except ValueError:
        return parse_time(text)


def parse_time(text: str) -> datetime:
    """Parse a time in RFC 3339 with its zone; the result is in UTC."""
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
        raise argparse.ArgumentTypeError(f"{text!r} is before year 1 or after year 9999") from None
