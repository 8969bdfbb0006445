"""Texts that people write: reasons, notes, questions, comments."""

from __future__ import annotations

from typing import Any

from governance.domain.canonical import require_plain_json
from governance.domain.errors import InvalidInputError

MAX_TEXT_LENGTH = 4000  # characters


def clean_text(value: Any, name: str) -> str:
    """Return the text without white space around it; it may be empty.

    Raises:
        InvalidInputError: at `name`, for what is no text, is longer than `MAX_TEXT_LENGTH`, or
        holds
            characters that canonical JSON does not.
    """
    if not isinstance(value, str) or len(value) > MAX_TEXT_LENGTH:
        raise InvalidInputError.at(name, "must be text of at most 4 000 characters")
    require_plain_json(value, name)
    return value.strip()


def require_text(value: Any, name: str) -> str:
    """Return the text without white space around it.

    Raises:
        InvalidInputError: at `name`, for an empty text and for what `clean_text` refuses.
    """
    text = clean_text(value, name)
    if not text:
        raise InvalidInputError.at(name, "must say something")
    return text
