"""Differences between proposed and current values, for pages and for the signed text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from governance.domain.canonical import canonical_text
from governance.domain.changes import (
    NO_VALUE,
    CapabilityDisable,
    CapabilityEnable,
    Change,
    ConfigurationUpdate,
    ParameterChange,
)
from governance.domain.values import SYSTEM_SCOPE, Lifecycle, PlatformState
from governance.domain.wording import format_duration, rollback_in_words, value_in_words


@dataclass(frozen=True, slots=True)
class SettingKey:
    """The name of a value: a capability's lifecycle (`key` is None), or a key of a scope."""

    scope: str
    key: str | None = None

    @property
    def name(self) -> str:
        return "lifecycle" if self.key is None else self.key


@dataclass(frozen=True, slots=True)
class SettingValue:
    """A value in words, and the canonical text by which values are compared."""

    words: str
    canonical: str

    @property
    def serialized(self) -> str:
        """The value as a view stores it: its canonical text, or "no recorded value"."""
        return self.canonical or self.words


# Of a target that is not registered; an absent key of a registered one reads as null.
NO_RECORDED_VALUE = SettingValue("no recorded value", "")

# Returns the value of a setting before the contract is carried out.
ValueLookup = Callable[[SettingKey], SettingValue]


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting's value before and after a change.

    `before_is` says when `before` holds: now, or after an earlier step of the same contract.
    `conflict` is a sentence if the proposal expects another value than the current one, `doubt` if
    it expects a value and none is recorded.
    """

    name: str
    before: str
    before_is: str
    proposed: str
    conflict: str = ""
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change in words, with its differences and its step in the plan.

    `number` is the step's index from 0, as in the plan, the ledger and the API.
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
    current_value: ValueLookup,
    decided: bool,
) -> list[ChangeRow]:
    """Return a row for each change, in order; each starts from the values that earlier steps leave.

    Args:
        current_value: the current value of a setting: `values_in` a state, or that of a view.
        decided: whether the contract is no longer in review. Then no conflict is marked, because
            the current values may be the result of the contract itself.
    """
    planned: dict[SettingKey, tuple[SettingValue, str]] = {}
    rows = []
    for number, (change, step) in enumerate(zip(changes, plan, strict=True)):
        differences = []
        for setting, proposed, expected in affected_settings(change):
            before, before_is = planned.get(setting, (current_value(setting), "now"))
            conflict, doubt = ("", "") if decided else _objection(before, expected)
            differences.append(
                Difference(setting.name, before.words, before_is, proposed.words, conflict, doubt)
            )
            planned[setting] = (proposed, f"after step {number + 1}")
        rows.append(
            ChangeRow(
                number=number,
                kind=change.type,
                target=change.target,
                words=str(change),
                differences=tuple(differences),
                timeout=format_duration(timedelta(seconds=step["timeout_seconds"])),
                rollback=rollback_in_words(step["rollback_action"]),
                has_rollback=step["rollback_action"] is not None,
            )
        )
    return rows


def affected_settings(
    change: Change,
) -> Iterable[tuple[SettingKey, SettingValue, SettingValue | None]]:
    """Yield each setting of a change: (key, proposed value, expected current value or None)."""
    match change:
        case CapabilityEnable():
            yield SettingKey(change.capability_name), _word(change.target_lifecycle), None
        case CapabilityDisable():
            yield SettingKey(change.capability_name), _word(Lifecycle.DISABLED), None
        case ConfigurationUpdate():
            setting = SettingKey(change.scope, change.key)
            yield setting, _value(change.new_value), _value(change.old_value)
        case ParameterChange():
            for key, value in change.parameters.items():
                yield SettingKey(change.scope, key), _value(value), None


def values_in(state: PlatformState) -> ValueLookup:
    """Return a lookup of the values in `state`."""

    def value_of(setting: SettingKey) -> SettingValue:
        if setting.key is None:
            lifecycle = state.lifecycles.get(setting.scope)
            return NO_RECORDED_VALUE if lifecycle is None else _word(lifecycle)
        if (setting.scope, setting.key) in state.configuration:
            return _value(state.configuration[setting.scope, setting.key])
        is_registered = setting.scope == SYSTEM_SCOPE or setting.scope in state.lifecycles
        return _value(None) if is_registered else NO_RECORDED_VALUE

    return value_of


def parse_value(setting: SettingKey, serialized: str) -> SettingValue:
    """Parse the value of `setting` from its serialized form in a view."""
    if serialized == NO_RECORDED_VALUE.serialized:
        return NO_RECORDED_VALUE
    return _word(serialized) if setting.key is None else _value(json.loads(serialized))


def _objection(before: SettingValue, expected: SettingValue | None) -> tuple[str, str]:
    """Return (conflict, doubt): sentences if the expected value differs, or none is recorded."""
    if expected is None or before.canonical == expected.canonical:
        return "", ""
    expectation = f"The proposal expects {expected.words} here"
    if before is NO_RECORDED_VALUE and expected == _value(None):
        return "", ""
    if before is NO_RECORDED_VALUE:
        return "", f"{expectation}; there is no recorded value."
    if before == _value(None):
        return f"{expectation}, but the key has no value.", ""
    return f"{expectation}, but the current value is {before.words}.", ""


def _word(word: str) -> SettingValue:
    return SettingValue(str(word), str(word))


def _value(value: Any) -> SettingValue:
    words = NO_VALUE if value is None else value_in_words(value)
    return SettingValue(words, canonical_text(value))
