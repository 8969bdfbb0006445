"""The table of indicators: which words speak for a type of report or for a severity.

The table is `indicators.toml`, read once. An indicator is one or more phrases. In a phrase `a/b` is
one of two words, `...` is a gap of at most four words, and `|` is the end of a clause.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from governance.authorities.validator.words import ReportPart, SentenceWords

MAX_GAP = 4  # words
_GAP = "..."
_END = "|"
_NUMBER = "#"
_FILE = Path(__file__).with_name("indicators.toml")


class Strength(StrEnum):
    STRONG = "strong"
    WEAK = "weak"


WEIGHTS = {Strength.STRONG: Decimal("0.40"), Strength.WEAK: Decimal("0.15")}
_Element = frozenset[str] | str


@dataclass(frozen=True, slots=True)
class Indicator:
    """Words that speak for a type of report, or for a severity.

    `strengths` has the parts where the words count. `counts` is how often an indicator of a
    severity counts. An action is a verb that asks for something; a rule's own words are not tuned.
    A wish is for something new, so it counts only where no registered capability is named.
    """

    name: str
    speaks_for: str
    phrases: tuple[tuple[_Element, ...], ...]
    strengths: Mapping[ReportPart, Strength]
    counts: int = 1
    is_action: bool = False
    is_rule: bool = False
    is_wish: bool = False


@dataclass(frozen=True, slots=True)
class IndicatorTable:
    """All indicators, and for each word the phrases that begin with it."""

    version: int
    indicators: tuple[Indicator, ...]
    starts: Mapping[str, tuple[tuple[Indicator, tuple[_Element, ...]], ...]]
    form_sentences: Mapping[str, tuple[tuple[str, ...], ...]]

    def found_in(self, sentence: SentenceWords) -> Iterator[tuple[Indicator, int, int]]:
        """Yield each indicator in a sentence, with the index of its first word and after its last.

        Indicators that count nothing in that part of a report are left out.
        """
        starts, words, part = self.starts, sentence.words, sentence.part
        for index, word in enumerate(words):
            for indicator, rest in starts.get(word, ()):
                # Most phrases end here, at their second word, before a call is made for them.
                if (
                    rest
                    and isinstance(rest[0], frozenset)
                    and (index + 1 == len(words) or words[index + 1] not in rest[0])
                ):
                    continue
                if part in indicator.strengths:
                    end = _end_of(rest, sentence, index + 1)
                    if end is not None:
                        yield indicator, index, end


def _end_of(rest: tuple[_Element, ...], sentence: SentenceWords, index: int) -> int | None:
    """Return the index after a phrase whose next element must be at `index`, or None."""
    words = sentence.words
    for number, element in enumerate(rest):
        if element == _END:
            return index if index >= len(words) or index in sentence.breaks else None
        if element == _GAP:
            after = rest[number + 1 :]
            for start in range(index, min(index + MAX_GAP + 1, len(words))):
                if _is_element(words[start], after[0]):
                    return _end_of(after[1:], sentence, start + 1)
            return None
        if index >= len(words) or not _is_element(words[index], element):
            return None
        index += 1
    return index


def _is_element(word: str, element: _Element) -> bool:
    return word[0].isdigit() if element == _NUMBER else word in element


@cache
def indicator_table() -> IndicatorTable:
    """Return the table of `indicators.toml`."""
    return read_table(tomllib.loads(_FILE.read_text(encoding="utf-8")))


def read_table(document: Mapping[str, Any]) -> IndicatorTable:
    """Return the table of a document in the form of `indicators.toml`."""
    groups = {**document["types"], **document["severities"]}
    indicators = tuple(
        _indicator(speaks_for, row) for speaks_for, rows in groups.items() for row in rows
    )
    starts: dict[str, list[tuple[Indicator, tuple[_Element, ...]]]] = {}
    for indicator in indicators:
        for phrase in indicator.phrases:
            for word in sorted(phrase[0]):
                starts.setdefault(word, []).append((indicator, phrase[1:]))
    return IndicatorTable(
        version=document["version"],
        indicators=indicators,
        starts={word: tuple(found) for word, found in starts.items()},
        form_sentences=_by_first_word(document["form_sentences"]),
    )


def _by_first_word(texts: list[str]) -> dict[str, tuple[tuple[str, ...], ...]]:
    forms: dict[str, tuple[tuple[str, ...], ...]] = {}
    for form in (tuple(text.split()) for text in texts):
        forms[form[0]] = (*forms.get(form[0], ()), form)
    return forms


def _indicator(speaks_for: str, row: Mapping[str, Any]) -> Indicator:
    texts = [row["words"]] if isinstance(row["words"], str) else row["words"]
    everywhere = row.get("strength")
    named = {part: row.get(part.value, everywhere) for part in ReportPart}
    if "heading" not in row:
        named[ReportPart.HEADING] = None
    return Indicator(
        name=row.get("name", texts[0]),
        speaks_for=speaks_for,
        phrases=tuple(tuple(map(_element, text.split())) for text in texts),
        strengths={part: Strength(strength) for part, strength in named.items() if strength},
        counts=row.get("counts", 1),
        is_action=row.get("action", False),
        is_rule=row.get("rule", False),
        is_wish=row.get("wish", False),
    )


def _element(text: str) -> _Element:
    return text if text in (_GAP, _END, _NUMBER) else frozenset(text.split("/"))
