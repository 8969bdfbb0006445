"""Words on the command line → values; argparse answers a wrong one with exit code 2."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from uuid import UUID

from governance.vocabulary.values import TIMEOUT_MINUTES


def identifier(text: str) -> UUID:
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


timeout_minutes = number_in(TIMEOUT_MINUTES)
