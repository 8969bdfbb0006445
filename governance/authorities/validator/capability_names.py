"""Find the capabilities that a report names: exactly first, then with typing errors.

Names in prose count before names in code, logs and links: these count only where prose has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from governance.authorities.validator.lines import Aside
from governance.authorities.validator.name_index import NameIndex, compact, is_ordinary, parts_of
from governance.authorities.validator.similar_names import MIN_CHARACTERS
from governance.authorities.validator.vocabulary import NAMING
from governance.authorities.validator.words import SentenceWords

MAX_FUZZY_WORDS = 20  # words that look like a name and are looked up with errors, in one report
MAX_NAME_PARTS = 12
PLURAL_SIMILARITY = 0.99  # of a name that has an "s" more or less

_NAME_SHAPE = re.compile(r"[^\W\d_][a-z]*[A-Z]|.*[\d_-]")
_OUTSIDE_PROSE = frozenset({Aside.CODE, Aside.LOG, Aside.LABEL})


@dataclass(frozen=True, slots=True)
class NamedCapability:
    """A capability that a report names: the words there, and how similar they are to the name."""

    name: str
    written: str
    similarity: float
    sentence: SentenceWords
    start: int
    end: int

    @property
    def is_plain(self) -> bool:
        """Whether the name is written as such, and not as words that are only like it."""
        return self.similarity == 1 or self.end == self.start + 1

    @property
    def is_whole(self) -> bool:
        """Whether the name is one whole word, and no part of a longer one."""
        return compact(self.written) == compact(self.name)

    @property
    def is_in_url(self) -> bool:
        return self.sentence.asides.get(self.start) is Aside.URL


@dataclass(frozen=True, slots=True)
class UnmatchedName:
    """A word that looks like a name and is none that is registered, and why."""

    written: str
    why: str


def named_capabilities(
    sentences: Iterable[SentenceWords], registry: NameIndex
) -> tuple[list[NamedCapability], list[UnmatchedName]]:
    """Return the capabilities that the sentences name, and the words that look like names."""
    prose: list[SentenceWords] = []
    elsewhere: list[SentenceWords] = []
    for sentence in sentences:
        (elsewhere if sentence.aside in _OUTSIDE_PROSE else prose).append(sentence)
    exact = [found for sentence in prose for found in _exact(sentence, registry)]
    written = [found for found in exact if not found.is_in_url]
    unmatched: list[UnmatchedName] = []
    fuzzy = list(_fuzzy(prose, registry, exact, unmatched))
    named = [found for found in written if found.is_plain] + fuzzy or written or exact
    if not named:
        aside = (found for one in elsewhere for found in _exact(one, registry))
        named = [found for found in aside if found.is_whole]
    return named, unmatched


def _exact(sentence: SentenceWords, registry: NameIndex) -> Iterator[NamedCapability]:
    """Yield the names that are written without errors, the longest at each part."""
    atoms, origins = _atoms(sentence.words)
    beginnings, written = registry.beginnings, sentence.written
    next_free = 0
    for first, atom in enumerate(atoms):
        if atom not in beginnings and (atom[-1] != "s" or atom[:-1] not in beginnings):
            continue
        is_inside_word = first > 0 and origins[first] == origins[first - 1]
        if is_inside_word or first < next_free:
            continue
        key, match = "", None
        for last in range(first, min(first + MAX_NAME_PARTS, len(atoms))):
            key += atoms[last]
            start, end = origins[first], origins[last] + 1
            text = written[start] if end == start + 1 else " ".join(written[start:end])
            name = registry.exact(text, key)
            if name is not None and _is_meant(name, text, sentence, start, end):
                similarity = 1.0 if compact(name) == key else PLURAL_SIMILARITY
                match = NamedCapability(name, text, similarity, sentence, start, end)
                next_free = last + 1
            if key not in beginnings:
                break
        if match is not None:
            yield match


def _atoms(words: list[str]) -> tuple[list[str], Sequence[int]]:
    """Return the words, those with separators in parts, and for each the index of its word."""
    text = " ".join(words)
    if "-" not in text and "_" not in text:
        return words, range(len(words))
    atoms: list[str] = []
    origins: list[int] = []
    for index, word in enumerate(words):
        parts = parts_of(word)
        atoms += parts
        origins += [index] * len(parts)
    return atoms, origins


def _is_meant(name: str, text: str, sentence: SentenceWords, start: int, end: int) -> bool:
    """Return whether a name of one plain word is meant, and not the ordinary word."""
    if _is_beside_naming(sentence, start, end):
        return True
    if is_ordinary(name):
        return False
    return text == name or bool(_NAME_SHAPE.match(name))


def _is_beside_naming(sentence: SentenceWords, start: int, end: int) -> bool:
    words = sentence.words
    return (start > 0 and words[start - 1] in NAMING) or (end < len(words) and words[end] in NAMING)


def _fuzzy(
    sentences: Iterable[SentenceWords],
    registry: NameIndex,
    exact: Iterable[NamedCapability],
    unmatched: list[UnmatchedName],
) -> Iterator[NamedCapability]:
    taken = {(id(one.sentence), index) for one in exact for index in range(one.start, one.end)}
    asked: set[str] = set()
    for sentence in sentences:
        for index, written in enumerate(sentence.written):
            if len(written) < MIN_CHARACTERS or (id(sentence), index) in taken:
                continue
            if sentence.asides.get(index) is Aside.URL or written in asked:
                continue
            is_name = _NAME_SHAPE.match(written)
            if not is_name and not _is_beside_naming(sentence, index, index + 1):
                continue
            if sentence.words[index] in NAMING or len(compact(written)) < MIN_CHARACTERS:
                continue
            if len(asked) == MAX_FUZZY_WORDS:
                unmatched.append(UnmatchedName(written, "only the first 20 names are looked up"))
                return
            asked.add(written)
            names, similarity = registry.nearest(written)
            if len(names) == 1:
                yield NamedCapability(names[0], written, similarity, sentence, index, index + 1)
            elif names:
                unmatched.append(UnmatchedName(written, "may be " + " or ".join(names[:5])))
            else:
                unmatched.append(UnmatchedName(written, "no registered name is like it"))
