"""Checks of the texts that people write: reasons, notes, questions, comments; and their length."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from governance.domain.errors import InvalidInputError
from governance.domain.strict_json import require_plain_json

MAX_TEXT_LENGTH = 4000  # characters
MAX_LISTED = 20


def clean_text(value: Any, name: str) -> str:
    """Return the text without white space around it; it may be empty.

    Args:
        name: the field's name, for the error.

    Raises:
        InvalidInputError: for a value that is not text, is longer than `MAX_TEXT_LENGTH`, or
            has characters that cannot be recorded.
    """
    if not isinstance(value, str) or len(value) > MAX_TEXT_LENGTH:
        raise InvalidInputError.at(name, "must be text of at most 4 000 characters")
    require_plain_json(value, name)
    return value.strip()


def cut_text(text: str, max_length: int) -> str:
    """Return a text of at most `max_length` characters; one that was cut ends with "…"."""
    return text if len(text) <= max_length else text[: max_length - 1] + "…"


def listed(names: Iterable[str]) -> str:
    """Return names as text, of a long list only the first."""
    every = list(names)
    text = ", ".join(every[:MAX_LISTED])
    return text if len(every) <= MAX_LISTED else f"{text} and {len(every) - MAX_LISTED} more"


def require_text(value: Any, name: str) -> str:
    """Return the text without white space around it.

    Raises:
        InvalidInputError: for an empty text and for what `clean_text` refuses.
    """
    text = clean_text(value, name)
    if not text:
        raise InvalidInputError.at(name, "must not be empty")
    return text
