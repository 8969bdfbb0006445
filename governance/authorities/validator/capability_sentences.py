"""Sentences that switch a capability: "turn off ImageVolume", "promote WatchList to beta"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from governance.authorities.validator.analysis import ReportAnalysis
from governance.authorities.validator.capability_names import NamedCapability
from governance.authorities.validator.change_readings import (
    NEUTRAL,
    ChangeReading,
    as_written,
    first_word_of_wish,
    tail_of,
)
from governance.authorities.validator.lines import Aside
from governance.authorities.validator.vocabulary import DOUBTFUL_TAGS, KINDS
from governance.authorities.validator.words import SentenceWords, why_not_counted
from governance.domain.changes import CapabilityDisable, CapabilityEnable, Change
from governance.domain.texts import cut_text
from governance.domain.values import Lifecycle

MAX_REASON_CHARACTERS = 500
MAX_TAG_WORDS = 3

_OFF, _ON, _STAGE, _DEPRECATE = "off", "on", "stage", "deprecate"
_VERBS = {
    **dict.fromkeys(("disable", "disabling", "deactivate", "deactivating"), _OFF),
    **dict.fromkeys(("enable", "enabling", "activate", "activating"), _ON),
    **dict.fromkeys(("promote", "promoting", "graduate", "graduating"), _STAGE),
    **dict.fromkeys(("deprecate", "deprecating"), _DEPRECATE),
}
_TURNS = frozenset(("turn", "switch", "turning", "switching"))
_LAUNCHING = frozenset(
    (
        *("by default", "for everyone", "for everybody", "for all users", "for all customers"),
        *("to beta", "to ga", "to stable", "to stable ga", "to general availability"),
        *("as launched", "to launched"),
    )
)
_PREVIEWING = frozenset(
    ("to alpha", "to preview", "as preview", "as a preview", "in preview", "as alpha")
)
_Span = tuple[int, int, NamedCapability]


def capability_readings(analysis: ReportAnalysis) -> Iterator[ChangeReading]:
    """Yield a reading for each sentence that switches capabilities, or that says not to."""
    by_sentence: dict[int, list[NamedCapability]] = {}
    for one in analysis.named:
        by_sentence.setdefault(id(one.sentence), []).append(one)
    for sentence in analysis.sentences:
        named = by_sentence.get(id(sentence))
        if named:
            yield from _readings(sentence, named)


def _readings(sentence: SentenceWords, named: Iterable[NamedCapability]) -> Iterator[ChangeReading]:
    spans = {one.start: one for one in named}
    start = first_word_of_wish(sentence)
    verb = _verb_at(sentence, start) if start is not None else None
    if verb is not None:
        kind, index = verb
        found, index = _names_from(sentence, index, spans)
        if found and kind in _TURNS:
            kind, index = sentence.words[index] if index < len(sentence.words) else "", index + 1
        if found and kind in (_OFF, _ON, _STAGE, _DEPRECATE):
            yield _reading(sentence, kind, found, tail_of(sentence, index))
            return
    for index, word in enumerate(sentence.words):
        if word in _VERBS or word in _TURNS:
            why = why_not_counted(sentence, index, index + 1, is_wish=True, is_claim=True)
            if why is Aside.NEGATED:
                yield ChangeReading(as_written(sentence), (), "A sentence says not to change it.")


def _verb_at(sentence: SentenceWords, index: int) -> tuple[str, int] | None:
    """Return the kind of the verb at `index`, and the index after it."""
    words = sentence.words
    # A subject may begin with tags, such as "kube-apiserver: promote WatchList to beta".
    later = [one for one in sorted(sentence.breaks) if index < one < len(words)]
    for start in (index, *(one for one in later if _is_tag(words[:one]))):
        word = words[start]
        if word in _VERBS:
            return _VERBS[word], start + 1
        if word in _TURNS:
            after = words[start + 1] if start + 1 < len(words) else ""
            return (after, start + 2) if after in (_OFF, _ON) else (word, start + 1)
    return None


def _is_tag(words: list[str]) -> bool:
    """Return whether the words before a verb only say what it is about."""
    return len(words) <= MAX_TAG_WORDS and DOUBTFUL_TAGS.isdisjoint(words)


def _names_from(
    sentence: SentenceWords, index: int, spans: dict[int, NamedCapability]
) -> tuple[list[NamedCapability], int]:
    """Return the names in a row from `index` on, and the index after them."""
    words = sentence.words
    found: list[NamedCapability] = []
    while True:
        after = index
        if found and after < len(words) and words[after] == "and":
            after += 1
        after = _after_kinds(words, after)
        if after not in spans:
            return found, index
        found.append(spans[after])
        index = _after_kinds(words, spans[after].end)


def _after_kinds(words: list[str], index: int) -> int:
    while index < len(words) and words[index] in KINDS:
        index += 1
    return index


def _reading(
    sentence: SentenceWords, kind: str, found: list[NamedCapability], tail: str
) -> ChangeReading:
    written = as_written(sentence)
    doubtful = next((one for one in found if one.similarity < 1), None)
    if doubtful is not None:
        return ChangeReading(
            written, (), f"{doubtful.written} is not registered; it may be {doubtful.name}."
        )
    names = list(dict.fromkeys(one.name for one in found))
    if kind == _OFF and (tail in NEUTRAL or tail == "by default"):
        return ChangeReading(written, tuple(_off(name, written) for name in names))
    if kind in (_ON, _STAGE) and tail in _LAUNCHING:
        return ChangeReading(written, _to(names, Lifecycle.LAUNCHED))
    if kind in (_ON, _STAGE) and tail in _PREVIEWING:
        return ChangeReading(written, _to(names, Lifecycle.PREVIEW))
    if kind == _DEPRECATE and tail in NEUTRAL:
        return ChangeReading(written, _to(names, Lifecycle.DEPRECATED))
    if kind in (_ON, _STAGE) and tail in NEUTRAL:
        both = (*_to(names, Lifecycle.PREVIEW), *_to(names, Lifecycle.LAUNCHED))
        return ChangeReading(written, both, "It does not say whether as PREVIEW or as LAUNCHED.")
    return ChangeReading(written, (), "The sentence says more than a change can hold.")


def _off(name: str, written: str) -> Change:
    return CapabilityDisable(
        type="capability_disable",
        capability_name=name,
        reason=cut_text(written, MAX_REASON_CHARACTERS),
    )


def _to(names: list[str], lifecycle: Lifecycle) -> tuple[Change, ...]:
    return tuple(
        CapabilityEnable(
            type="capability_enable",
            capability_name=name,
            target_lifecycle=lifecycle.value,  # type: ignore[arg-type]
        )
        for name in names
    )
