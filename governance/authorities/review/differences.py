"""Differences between proposed and current values, for pages and for the signed text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from governance.authorities.review.comparison import (
    MISSING,
    ChangedPart,
    Comparison,
    StepBudget,
    compare_values,
)
from governance.domain.canonical import canonical_text
from governance.domain.changes import (
    CapabilityDisable,
    CapabilityEnable,
    Change,
    ConfigurationUpdate,
    ParameterChange,
)
from governance.domain.sentences import PartKind, Sentence, setting_in_words
from governance.domain.values import SYSTEM_SCOPE, Lifecycle, PlatformState
from governance.domain.wording import format_duration, rollback_in_words


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
    """A value in words, the canonical text by which values are equal, and the value itself."""

    words: str = field(compare=False)
    canonical: str
    value: Any = field(compare=False)

    @property
    def serialized(self) -> str:
        """The value as a view stores it: its canonical text, or "no recorded value"."""
        return self.canonical or self.words


# Of a target that is not registered; an absent key of a registered one reads as null.
NO_RECORDED_VALUE = SettingValue("no recorded value", "", MISSING)

# Returns the value of a setting before the contract is carried out.
ValueLookup = Callable[[SettingKey], SettingValue]


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting's value before and after a change, compared part by part.

    `before_is` says when `before` holds: now, or after an earlier step of the same contract.
    `conflict` says that the proposal expects another value than the current one, `doubt` that it
    expects a value and none is recorded; `expected` then compares the expected value with the
    proposed one. `unchanged` says that nothing changes here.
    """

    setting: SettingKey
    before: SettingValue
    before_is: str
    proposed: SettingValue
    comparison: Comparison
    conflict: Sentence | None = None
    doubt: Sentence | None = None
    expected: Comparison | None = None
    unchanged: str = ""

    @property
    def is_exact(self) -> bool:
        """Whether the budget of the comparisons sufficed."""
        return self.comparison.is_exact and (self.expected is None or self.expected.is_exact)


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change in words, with its differences and its step in the plan.

    `number` is the step's index from 0, as in the plan, the ledger and the API.
    """

    number: int
    kind: str
    target: str
    words: Sentence
    differences: tuple[Difference, ...]
    timeout: str
    rollback: Sentence
    has_rollback: bool

    @property
    def conflict(self) -> bool:
        return any(difference.conflict for difference in self.differences)

    @property
    def changes_nothing(self) -> bool:
        return all(one.unchanged and not one.conflict for one in self.differences)


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
        decided: whether the contract is no longer in review. Then no conflict is marked, and no
            change that changes nothing, because the current values may be the result of the
            contract itself.
    """
    planned: dict[SettingKey, tuple[SettingValue, str]] = {}
    budget = StepBudget()
    rows = []
    for number, (change, step) in enumerate(zip(changes, plan, strict=True)):
        differences = []
        for setting, proposed, expected in affected_settings(change):
            before, before_is = planned.get(setting, (current_value(setting), "now"))
            remarks = {} if decided else _remarks(before, expected, proposed, budget)
            comparison = _compared(setting, before, proposed, budget)
            differences.append(
                Difference(setting, before, before_is, proposed, comparison, **remarks)
            )
            planned[setting] = (proposed, f"after step {number + 1}")
        rows.append(
            ChangeRow(
                number=number,
                kind=change.type,
                target=change.target,
                words=change.sentence(),
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


def _remarks(
    before: SettingValue,
    expected: SettingValue | None,
    proposed: SettingValue,
    budget: StepBudget,
) -> dict[str, Any]:
    """Return the fields of a Difference that speak about the expected value, and of no change."""
    remarks: dict[str, Any] = {}
    if before == proposed:
        remarks["unchanged"] = "Nothing changes here: this is the value already."
    elif expected == proposed:
        remarks["unchanged"] = (
            "Nothing changes here by the proposal's own account: it expects the value that it"
            " proposes."
        )
    is_known = before is not NO_RECORDED_VALUE
    if expected is None or before == expected or (not is_known and expected.value is None):
        return remarks
    expectation = ("The proposal expects ", (PartKind.VALUE, expected.words), " here")
    if not is_known:
        remarks["doubt"] = Sentence.of(*expectation, "; there is no recorded value.")
    elif before.value is None:
        remarks["conflict"] = Sentence.of(*expectation, ", but the key has no value.")
    else:
        current = (PartKind.VALUE, before.words)
        remarks["conflict"] = Sentence.of(*expectation, ", but the current value is ", current, ".")
    return remarks | {"expected": compare_values(expected.value, proposed.value, budget)}


def _compared(
    setting: SettingKey, before: SettingValue, proposed: SettingValue, budget: StepBudget
) -> Comparison:
    if setting.key is not None:
        return compare_values(before.value, proposed.value, budget)
    # A lifecycle is one word, and not a text of a person.
    if before == proposed:
        return Comparison(unchanged=1)
    return Comparison(changed=[ChangedPart("", before.value, proposed.value)])


def _word(word: str) -> SettingValue:
    return SettingValue(str(word), str(word), str(word))


def _value(value: Any) -> SettingValue:
    return SettingValue(setting_in_words(value), canonical_text(value), value)
