"""Read the words of a report: which indicators count, which do not and why, and what else is there.

What else is there: an error message, steps to reproduce, a value that is given, a known key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from governance.authorities.validator.indicators import Indicator, IndicatorTable, Strength
from governance.authorities.validator.lines import Aside
from governance.authorities.validator.name_index import NameIndex
from governance.authorities.validator.vocabulary import BEFORE_VALUE, STEPS
from governance.authorities.validator.words import ReportPart, SentenceWords, why_not_counted

MAX_UNCOUNTED = 50  # words listed that do not count

_WISHES = frozenset(("capability_request", "configuration_change"))
_CLAIMS = _WISHES | {"escalation", "critical", "high", "low"}
_EMPTY = frozenset((Aside.FORM, Aside.BOX, Aside.LABEL))  # what leaves a section of a form empty
_ERROR_MESSAGE = re.compile(
    r"""(?<!\w)(?:
        \w{1,80}(?:Error|Exception)\b
      | (?:[Ee]rror|ERROR|FATAL|[Ff]atal|panic)(?:\ \(\w{1,40}\))?[:\]=]
      | Traceback\ \( | [Ss]egmentation\ fault | SIG(?:SEGV|KILL|ABRT)
      | HTTP(?:\ [A-Za-z]{1,12}){0,2}\ [45]\d\d\b
      | [45]\d\d\ (?:Client|Server|Bad|Internal|Not|Too)\b
      | [Ee]xit(?:ed\ with)?\ (?:code|status)\ [1-9]
      | [EF]\d{4}\ \d\d:\d\d: | [Ff]ailed\ to\b | [Tt]imed\ out | [Tt]imeout\ expired
      | [Cc]onnection\ refused | Warning\ +Failed
    )""",
    re.VERBOSE,
)
_VALUE = re.compile(r"\d[\d_]*[a-z%]{0,6}")


@dataclass(frozen=True, slots=True)
class CountedWords:
    """An indicator that counts: the words as written, and the sentence."""

    indicator: Indicator
    written: str
    strength: Strength
    sentence: SentenceWords
    start: int


@dataclass(frozen=True, slots=True)
class UncountedWords:
    """An indicator that counts for nothing, and why."""

    indicator: Indicator
    written: str
    why: Aside


@dataclass(slots=True)
class WordsRead:
    """What the words of a report say."""

    counted: dict[tuple[str, str], CountedWords] = field(default_factory=dict)
    uncounted: list[UncountedWords] = field(default_factory=list)
    error_message: str = ""
    steps: str = ""
    given_value: str = ""
    known_key: str = ""

    def speaking_for(self, group: str) -> list[CountedWords]:
        return [one for (speaks_for, _), one in self.counted.items() if speaks_for == group]


def read_words(
    sentences: Iterable[SentenceWords], body: str, table: IndicatorTable, registry: NameIndex
) -> WordsRead:
    """Return what the sentences of a report say; each indicator counts once."""
    read = WordsRead()
    headings: list[SentenceWords] = []
    for sentence in sentences:
        _mark_form(sentence, table)
        if sentence.part is ReportPart.HEADING:
            headings.append(sentence)
            continue
        if sentence.aside not in _EMPTY:
            # Only the last heading has this sentence below it; those above it were left empty.
            for heading in headings[-1:]:
                _read_sentence(read, heading, table, registry)
            headings.clear()
        _read_sentence(read, sentence, table, registry)
    if match := _ERROR_MESSAGE.search(body):
        read.error_message = match[0].strip()
    return read


def _read_sentence(
    read: WordsRead, sentence: SentenceWords, table: IndicatorTable, registry: NameIndex
) -> None:
    for indicator, start, end in table.found_in(sentence):
        _count(read, indicator, sentence, start, end)
    if sentence.aside is None:
        _notice(read, sentence, registry)


def _mark_form(sentence: SentenceWords, table: IndicatorTable) -> None:
    words = sentence.words
    for form in table.form_sentences.get(words[0], ()):
        if tuple(words[: len(form)]) == form:
            sentence.aside = sentence.aside or Aside.FORM


def _count(
    read: WordsRead, indicator: Indicator, sentence: SentenceWords, start: int, end: int
) -> None:
    key = (indicator.speaks_for, indicator.name)
    if key in read.counted:
        return
    why = why_not_counted(
        sentence,
        start,
        end,
        is_wish=indicator.speaks_for in _WISHES,
        is_claim=indicator.speaks_for in _CLAIMS,
    )
    written = " ".join(sentence.written[start:end])
    if why is None:
        strength = indicator.strengths[sentence.part]
        read.counted[key] = CountedWords(indicator, written, strength, sentence, start)
    elif len(read.uncounted) < MAX_UNCOUNTED:
        read.uncounted.append(UncountedWords(indicator, written, why))


def _notice(read: WordsRead, sentence: SentenceWords, registry: NameIndex) -> None:
    words = sentence.words
    if not read.steps and not STEPS.isdisjoint(words) and sentence.part is not ReportPart.SUBJECT:
        read.steps = " ".join(sentence.written[:6])
    for index, word in enumerate(words):
        if word[0].isdigit() and not read.given_value:
            before = words[index - 1] if index else ""
            if before in BEFORE_VALUE and _VALUE.fullmatch(word):
                read.given_value = f"{before} {sentence.written[index]}"
        if word in registry.scopes_of_keys and not read.known_key:
            read.known_key = sentence.written[index]
