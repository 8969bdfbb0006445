"""Split a report into sentences of words, and say of each word whether it counts.

A word is a run of letters and digits, with hyphens and apostrophes inside, so that "urgent" is not
found in "critical-urgent". Negation, questions and conditions reach to the end of their clause.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from governance.authorities.validator.lines import Aside, sorted_lines
from governance.authorities.validator.vocabulary import (
    CIRCUMSTANCES,
    CONDITIONS,
    DENIALS,
    DOCUMENTING,
    NEGATION_ENDS,
    NEGATORS,
    OPINIONS,
    QUESTIONS,
)

MAX_WORD_CHARACTERS = 200  # a longer run is no word
MAX_NEGATED_WORDS = 3  # how many words before an indicator a "not" may be
MAX_CLAUSE_WORDS = 12  # how many words before an indicator are read at all

_TOKEN = re.compile(
    r"""(?P<word>\w(?:[\w'-]*\w)?)
      | (?P<end>[.!?]+(?=\s|$)|[。！？])
      | (?P<break>[,;:()\[\]…]|(?<!-)-{2,}(?=\s)|(?<=\s)-(?=\s)|[–—])
      | (?P<code>`[^`]*`)
      | (?P<quoted>"[^"]*"|«[^»]*»|(?<!\w)'[^']{1,200}'(?!\w))""",
    re.VERBOSE,
)
_URL = re.compile(r"\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.)\S+", re.IGNORECASE)
_WORD = re.compile(r"\w(?:[\w'-]*\w)?")
STEPS_HEADING = re.compile(r"\b(?:reproduc|repro\b|steps\b)", re.IGNORECASE)
_PLAIN_QUOTES = str.maketrans({"’": "'", "‘": "'", "”": '"', "“": '"', "\u00ad": None})


class ReportPart(StrEnum):
    """The part of a report in which a sentence stands."""

    SUBJECT = "subject"
    HEADING = "heading"
    BODY = "body"


@dataclass(slots=True)
class SentenceWords:
    """A sentence: its words folded and as written, and why the words at some indexes do not count.

    `breaks` are the indexes of the words that begin a clause.
    """

    part: ReportPart
    words: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    asides: dict[int, Aside] = field(default_factory=dict)
    breaks: set[int] = field(default_factory=set)
    aside: Aside | None = None
    is_question: bool = False
    is_step: bool = False

    def clause_start(self, index: int) -> int:
        """Return where the clause of a word starts, or `MAX_CLAUSE_WORDS` before the word."""
        first = max(0, index - MAX_CLAUSE_WORDS)
        while index > first and index not in self.breaks:
            index -= 1
        return index


def sentences_of(*, subject: str, body: str) -> Iterator[SentenceWords]:
    """Yield the sentences of a report in order; those that do not count say why."""
    for line in _plain(subject).splitlines():
        yield from _sentences(line, ReportPart.SUBJECT, None)
    is_step = False
    for line, aside, is_heading in sorted_lines(_plain(body)):
        if is_heading:
            is_step = bool(STEPS_HEADING.search(line))
        for sentence in _sentences(
            line, ReportPart.HEADING if is_heading else ReportPart.BODY, aside
        ):
            sentence.is_step = is_step
            yield sentence


def why_not_counted(
    sentence: SentenceWords, start: int, end: int, *, is_wish: bool, is_claim: bool
) -> Aside | None:
    """Return why the words from `start` up to `end` do not count, or None.

    Args:
        is_wish: the words ask for something, so that a question about it is no wish for it.
        is_claim: the words say that something is the case, so that a condition is no claim.
    """
    if sentence.aside is not None:
        return sentence.aside
    if sentence.asides:
        for index in range(start, end):
            if index in sentence.asides:
                return sentence.asides[index]
    first = sentence.clause_start(start)
    if _is_negated(sentence, first, start, end):
        return Aside.NEGATED
    words = sentence.words
    for index in range(start - 1, first - 1, -1):
        word = words[index]
        if is_claim and word in CONDITIONS:
            return Aside.CONDITION
        if is_wish and word == "how":
            return Aside.ASKED
        if is_wish and word in DOCUMENTING:
            return Aside.DOCUMENTATION
        if is_wish and word in CIRCUMSTANCES:
            return Aside.CONDITION
    if is_wish and sentence.is_step:
        return Aside.STEP
    if is_wish and sentence.is_question and not QUESTIONS.isdisjoint(words[:2]):
        return Aside.ASKED
    return None


def _is_negated(sentence: SentenceWords, first: int, start: int, end: int) -> bool:
    words = sentence.words
    for index in range(start - 1, first - 1, -1):
        word = words[index]
        is_near = start - index <= MAX_NEGATED_WORDS
        if word in NEGATION_ENDS:
            return False
        if word in NEGATORS or word.endswith("n't"):
            is_opinion = index + 1 < start and words[index + 1] in OPINIONS
            return (is_near or is_opinion) and not _is_only(words, index)
    # "Urgent: no" is negated after the word.
    return end < len(words) and end in sentence.breaks and words[end] in DENIALS


def _is_only(words: list[str], index: int) -> bool:
    return index + 1 < len(words) and words[index + 1] in ("only", "just", "sure")


def _plain(text: str) -> str:
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text).translate(_PLAIN_QUOTES)


def _sentences(line: str, part: ReportPart, aside: Aside | None) -> Iterator[SentenceWords]:
    urls = []
    if "://" in line or "www." in line:
        urls = _URL.findall(line)
        line = _URL.sub(" ", line)
    sentence = SentenceWords(part, aside=aside)
    words, written = sentence.words, sentence.written
    for token in _TOKEN.finditer(line):
        kind, text = token.lastgroup, token[0]
        if kind == "word":
            if len(text) <= MAX_WORD_CHARACTERS and (word := text.casefold().strip("_")):
                # The number of a published vulnerability says nothing more.
                words.append("cve" if word[:4] == "cve-" else word)
                written.append(text)
        elif kind == "break":
            sentence.breaks.add(len(words))
        elif kind == "end":
            sentence.is_question = text[0] in "?？"
            if words:
                yield sentence
            sentence = SentenceWords(part, aside=aside)
            words, written = sentence.words, sentence.written
        else:
            why = Aside.CODE if kind == "code" else Aside.QUOTED
            for word in _WORD.findall(text):
                if len(word) <= MAX_WORD_CHARACTERS:
                    sentence.asides[len(words)] = why
                    words.append(word.casefold())
                    written.append(word)
    for url in urls:
        for word in _WORD.findall(url):
            if len(word) <= MAX_WORD_CHARACTERS:
                sentence.asides[len(words)] = Aside.URL
                words.append(word.casefold())
                written.append(word)
    if words:
        yield sentence
