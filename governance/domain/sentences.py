"""A sentence about a change, in parts: a name in it can be told from the words around it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any

NO_VALUE = "no value"


class PartKind(Enum):
    """What a part of a sentence is: words of ours, a name, a value as JSON, or a person's text."""

    WORDS = "words"
    NAME = "name"
    VALUE = "value"
    PROSE = "prose"


@dataclass(frozen=True, slots=True)
class Sentence:
    """Parts in order; as plain text, names and prose are in quotes, with JSON's escapes."""

    parts: tuple[tuple[PartKind, str], ...]

    @classmethod
    def of(cls, *parts: str | tuple[PartKind, str]) -> Sentence:
        """Return the sentence of these parts; a string is words of ours."""
        return cls(tuple((PartKind.WORDS, one) if isinstance(one, str) else one for one in parts))

    def __str__(self) -> str:
        quoted = (PartKind.NAME, PartKind.PROSE)
        return "".join(
            value_in_words(text) if kind in quoted else text for kind, text in self.parts
        )


def named(name: str) -> tuple[PartKind, str]:
    return PartKind.NAME, name


def valued(value: Any) -> tuple[PartKind, str]:
    return PartKind.VALUE, setting_in_words(value)


def value_in_words(value: Any) -> str:
    """Return a value as JSON that people read: keys sorted, every character as itself."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def setting_in_words(value: Any) -> str:
    """Return the value of a setting, for which null is no value."""
    return NO_VALUE if value is None else value_in_words(value)
