"""What a contract will change, set against what stands there: for pages, and for what is signed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from governance.vocabulary.canonical import canonical_text
from governance.vocabulary.changes import (
    CapabilityDisable,
    CapabilityEnable,
    Change,
    ConfigurationUpdate,
    ParameterChange,
)
from governance.vocabulary.values import Lifecycle, PlatformState
from governance.vocabulary.wording import rollback_in_words, span, value_in_words


@dataclass(frozen=True, slots=True)
class Place:
    """Something that has a value: a capability's lifecycle (no key), or a key of a scope."""

    scope: str
    key: str | None = None

    @property
    def name(self) -> str:
        return "lifecycle" if self.key is None else self.key


@dataclass(frozen=True, slots=True)
class Value:
    """A value in words, and in the one spelling by which values are compared."""

    words: str
    canonical: str

    @property
    def spelled(self) -> str:
        """As a view has it: no canonical spelling reads like what is not on record."""
        return self.canonical or self.words


NOT_ON_RECORD = Value("not on record", "")

# What stands at a place before the contract is carried out.
Standing = Callable[[Place], Value]


@dataclass(frozen=True, slots=True)
class Difference:
    """One place, as it stands and as it would stand.

    `before_is` says when `before` is true: now, or after an earlier step of the same contract.
    `conflict` and `doubt` say, in words, why the proposal may rest on something else than what
    stands there: another value, or none on record.
    """

    name: str
    before: str
    before_is: str
    proposed: str
    conflict: str = ""
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change in words, with its differences and the step that it becomes.

    `number` is the step's index, from 0, as the plan, the ledger and the API count.
    """

    number: int
    kind: str
    target: str
    words: str
    differences: tuple[Difference, ...]
    timeout: str
    rollback: str
    has_rollback: bool

    @property
    def conflict(self) -> bool:
        return any(difference.conflict for difference in self.differences)


def change_rows(
    changes: Sequence[Change],
    *,
    plan: Sequence[Mapping[str, Any]],
    now: Standing,
    decided: bool,
) -> list[ChangeRow]:
    """A row for each change, in order, following the platform through the steps before it.

    `now` says what stands at a place: `standing_in` a state, or as a founder's view has it.
    Once a contract is `decided`, what stands now says nothing about its proposal any more: then
    no conflict is marked.
    """
    standing: dict[Place, tuple[Value, str]] = {}
    rows = []
    for number, (change, step) in enumerate(zip(changes, plan, strict=True)):
        differences = []
        for place, proposed, expected in places_of(change):
            before, before_is = standing.get(place, (now(place), "now"))
            conflict, doubt = ("", "") if decided else _objection(before, expected)
            differences.append(
                Difference(place.name, before.words, before_is, proposed.words, conflict, doubt)
            )
            standing[place] = (proposed, f"after step {number}")
        rows.append(
            ChangeRow(
                number=number,
                kind=change.type,
                target=change.target,
                words=str(change),
                differences=tuple(differences),
                timeout=span(timedelta(seconds=step["timeout_seconds"])),
                rollback=rollback_in_words(step["rollback_action"]),
                has_rollback=step["rollback_action"] is not None,
            )
        )
    return rows


def places_of(change: Change) -> Iterable[tuple[Place, Value, Value | None]]:
    """(place, value proposed there, value that the proposal expects there, if it says)."""
    match change:
        case CapabilityEnable():
            yield Place(change.capability_name), _word(change.target_lifecycle), None
        case CapabilityDisable():
            yield Place(change.capability_name), _word(Lifecycle.DISABLED), None
        case ConfigurationUpdate():
            place = Place(change.scope, change.key)
            yield place, _value(change.new_value), _value(change.old_value)
        case ParameterChange():
            for key, value in change.parameters.items():
                yield Place(change.scope, key), _value(value), None


def standing_in(state: PlatformState) -> Standing:
    """What stands at a place in `state`."""

    def now(place: Place) -> Value:
        if place.key is None:
            lifecycle = state.lifecycles.get(place.scope)
            return NOT_ON_RECORD if lifecycle is None else _word(lifecycle)
        if (place.scope, place.key) in state.configuration:
            return _value(state.configuration[place.scope, place.key])
        return NOT_ON_RECORD

    return now


def value_spelled(place: Place, spelled: str) -> Value:
    """The value of `place` out of its spelling in a view."""
    if spelled == NOT_ON_RECORD.spelled:
        return NOT_ON_RECORD
    return _word(spelled) if place.key is None else _value(json.loads(spelled))


def _objection(before: Value, expected: Value | None) -> tuple[str, str]:
    """(conflict, doubt): another value stands there than the proposal expects, or none does."""
    if expected is None or before.canonical == expected.canonical:
        return "", ""
    said = f"The proposal expects {expected.words} here"
    if before is NOT_ON_RECORD:
        return "", f"{said}; nothing is on record."
    return f"{said}, but {before.words} is what stands.", ""


def _word(word: str) -> Value:
    return Value(str(word), str(word))


def _value(value: Any) -> Value:
    return Value(value_in_words(value), canonical_text(value))
