"""Compare two values: which parts of a structure differ, and which words of a text.

The cost is bounded: a shortest list of edits (Myers) is looked for within a budget of steps that
the rows of a page share. Beyond it, what two parts have in common at both ends is kept, and the
middle counts as replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from governance.domain.canonical import canonical_text
from governance.domain.sentences import value_in_words

MAX_STEPS = 200_000  # a tenth of a second
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
# What stands for a value on the side of a part that does not have it.
MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a text: `same` on both sides, only `removed` or only `inserted`."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ChangedPart:
    """A part of a value, its value before and after, and their segments if both are texts."""

    path: str
    before: Any
    after: Any
    segments: tuple[Segment, ...] = ()

    @property
    def is_inserted(self) -> bool:
        return self.before is MISSING

    @property
    def is_removed(self) -> bool:
        return self.after is MISSING

    @property
    def before_words(self) -> str:
        return value_in_words(self.before)

    @property
    def after_words(self) -> str:
        return value_in_words(self.after)


@dataclass(slots=True)
class StepBudget:
    """The number of steps that are left for the comparisons of a page."""

    left: int = MAX_STEPS


@dataclass(slots=True)
class Comparison:
    """The parts that differ, the number of those that do not, and whether the budget sufficed."""

    changed: list[ChangedPart] = field(default_factory=list)
    unchanged: int = 0
    is_exact: bool = True

    @property
    def total(self) -> int:
        return self.unchanged + len(self.changed)

    @property
    def is_structure(self) -> bool:
        """Whether the values have parts that were compared, and were not compared as a whole."""
        return self.total > 1 or any(part.path for part in self.changed)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments of two texts that were compared as a whole; empty for anything else."""
        return () if self.is_structure or not self.changed else self.changed[0].segments


def compare_values(before: Any, after: Any, budget: StepBudget | None = None) -> Comparison:
    """Compare two JSON values; `MISSING` is no value at all."""
    comparison = Comparison()
    _compare(comparison, "", before, after, budget or StepBudget())
    return comparison


def _compare(found: Comparison, path: str, before: Any, after: Any, budget: StepBudget) -> None:
    if isinstance(before, dict) and isinstance(after, dict) and (before or after):
        for key in sorted({*before, *after}):
            inside = f"{path}[{canonical_text(key)}]" if not key.isidentifier() else f"{path}.{key}"
            _compare(found, inside, before.get(key, MISSING), after.get(key, MISSING), budget)
    elif isinstance(before, list) and isinstance(after, list) and (before or after):
        _compare_lists(found, path, before, after, budget)
    elif before is not MISSING and after is not MISSING and _same(before, after):
        found.unchanged += 1
    elif isinstance(before, str) and isinstance(after, str):
        segments = _segments(found, before, after, budget)
        found.changed.append(ChangedPart(path, before, after, segments))
    else:
        found.changed.append(ChangedPart(path, before, after))


def _same(before: Any, after: Any) -> bool:
    return (type(before) is type(after) is str and before == after) or (
        canonical_text(before) == canonical_text(after)
    )


def _compare_lists(
    found: Comparison, path: str, before: Sequence[Any], after: Sequence[Any], budget: StepBudget
) -> None:
    old, new = ([canonical_text(item) for item in items] for items in (before, after))
    for i1, i2, j1, j2 in _edits(found, old, new, budget):
        if old[i1:i2] == new[j1:j2]:
            found.unchanged += sum(map(_count, before[i1:i2]))
            continue
        pairs = min(i2 - i1, j2 - j1)
        for offset in range(pairs):
            inside = f"{path}[{j1 + offset}]"
            _compare(found, inside, before[i1 + offset], after[j1 + offset], budget)
        for i in range(i1 + pairs, i2):
            found.changed.append(ChangedPart(f"{path}[{i}]", before[i], MISSING))
        for j in range(j1 + pairs, j2):
            found.changed.append(ChangedPart(f"{path}[{j}]", MISSING, after[j]))


def _count(value: Any) -> int:
    """Count the parts of a value, as `_compare` counts them."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(_count, parts)) if parts else 1


def _segments(
    found: Comparison, before: str, after: str, budget: StepBudget
) -> tuple[Segment, ...]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    segments = []
    for i1, i2, j1, j2 in _edits(found, old, new, budget):
        removed, inserted = "".join(old[i1:i2]), "".join(new[j1:j2])
        if removed == inserted:
            segments.append(Segment("same", removed))
        else:
            pieces = (Segment("removed", removed), Segment("inserted", inserted))
            segments += [one for one in pieces if one.text]
    return tuple(segments)


def _edits(
    found: Comparison, old: Sequence[str], new: Sequence[str], budget: StepBudget
) -> Iterator[tuple[int, int, int, int]]:
    """Yield ranges (i1, i2, j1, j2) that cover both sequences in order, equal or replaced."""
    start, shortest = 0, min(len(old), len(new))
    while start < shortest and old[start] == new[start]:
        start += 1
    end = 0
    while end < shortest - start and old[-1 - end] == new[-1 - end]:
        end += 1
    i, j, i_end, j_end = start, start, len(old) - end, len(new) - end
    if start:
        yield 0, start, 0, start
    matches = _matches(old[i:i_end], new[j:j_end], budget)
    if matches is None:
        found.is_exact, matches = False, []
    for di, dj, size in [*matches, (i_end - start, j_end - start, 0)]:
        if i < start + di or j < start + dj:
            yield i, start + di, j, start + dj
        i, j = start + di + size, start + dj + size
        if size:
            yield start + di, i, start + dj, j
    if end:
        yield i_end, len(old), j_end, len(new)


def _matches(
    old: Sequence[str], new: Sequence[str], budget: StepBudget
) -> list[tuple[int, int, int]] | None:
    """Return the runs (i, j, size) that a shortest list of edits keeps; None beyond the budget."""
    if not old or not new:
        return []
    furthest, trace = {1: 0}, []
    for edits in range(len(old) + len(new) + 1):
        trace.append(dict(furthest))
        for diagonal in range(-edits, edits + 1, 2):
            is_down = diagonal == -edits or (
                diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1]
            )
            i = furthest[diagonal + 1] if is_down else furthest[diagonal - 1] + 1
            first = i
            while i < len(old) and i - diagonal < len(new) and old[i] == new[i - diagonal]:
                i += 1
            furthest[diagonal] = i
            budget.left -= 2 + i - first
            if budget.left < 0:
                return None
            if i >= len(old) and i - diagonal >= len(new):
                return _walk_back(trace, len(old), len(new))
    return None


def _walk_back(trace: list[dict[int, int]], i: int, j: int) -> list[tuple[int, int, int]]:
    runs = []
    for edits in range(len(trace) - 1, -1, -1):
        furthest, diagonal = trace[edits], i - j
        is_down = diagonal == -edits or (
            diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1]
        )
        before = diagonal + 1 if is_down else diagonal - 1
        i_before = furthest[before]
        first = i_before if is_down else i_before + 1
        if i > first:
            runs.append((first, first - diagonal, i - first))
        i, j = i_before, i_before - before
    return runs[::-1]
