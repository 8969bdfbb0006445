"""A sentence that acts on a capability or a setting, and what changes it may mean."""

from __future__ import annotations

from dataclasses import dataclass

from governance.authorities.validator.vocabulary import POLITE
from governance.authorities.validator.words import ReportPart, SentenceWords
from governance.domain.changes import Change

# What may follow a change in its sentence and says nothing more.
NEUTRAL = frozenset(("", "now", "please", "again", "thanks", "thank you", "thanks in advance"))


@dataclass(frozen=True, slots=True)
class ChangeReading:
    """One sentence and the changes that it may mean.

    Without a `doubt` it means all of its changes, and with one it means one of them or none.
    """

    written: str
    changes: tuple[Change, ...]
    doubt: str = ""


def first_word_of_wish(sentence: SentenceWords) -> int | None:
    """Return the index of the first word after "please" and the like; None if it is no wish."""
    if sentence.aside is not None or sentence.is_step or sentence.part is ReportPart.HEADING:
        return None
    words = sentence.words
    index = 0
    while index < len(words) and words[index] in POLITE:
        index += 1
    if sentence.is_question and POLITE.isdisjoint(words[:index]):
        return None
    return index if index < len(words) and index not in sentence.asides else None


def tail_of(sentence: SentenceWords, index: int) -> str:
    """Return the words from `index` to the end of a sentence."""
    return " ".join(sentence.words[index:])


def as_written(sentence: SentenceWords) -> str:
    """Return the words of a sentence as they are written."""
    return " ".join(sentence.written)
