"""What a rollback does: the rollback actions of completed steps in reverse.

A setting that is no longer as the contract left it is left out and named, and a person decides.
The database guard `contract_rolls_back` holds every rollback to these actions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from governance.domain.canonical import canonical_text
from governance.domain.recorded_changes import targets_of, values_set_by
from governance.domain.values import PlatformState
from governance.domain.wording import value_in_words

# A rollback is counted among those of the last hour; more than this many notify all founders.
MAX_ROLLBACKS_PER_HOUR = 5


class PlatformSetting(NamedTuple):
    """A key of a scope; the empty key is the lifecycle of a capability, as in the registry."""

    scope: str
    key: str

    def __str__(self) -> str:
        return f"{self.key} of {self.scope}" if self.key else f"the lifecycle of {self.scope}"


class CompletedStep(NamedTuple):
    """A completed step: the change that it made, and the change that undoes it, if one is known."""

    change: Mapping[str, Any]
    rollback_action: Mapping[str, Any] | None


class SettingHistory(NamedTuple):
    """What the registry knows of a setting that a job changed.

    `is_newest` says that the job's change is the newest one, `before` is the value before the job.
    """

    is_newest: bool
    before: Any


@dataclass(frozen=True, slots=True)
class ComputedRollback:
    """The changes that undo `completed` steps, and what is left out of them, with the reason."""

    completed: int
    changes: tuple[Mapping[str, Any], ...]
    left_out: Mapping[PlatformSetting, str]

    @property
    def left_out_in_words(self) -> str:
        found = [f"{setting} ({reason})" for setting, reason in self.left_out.items()]
        return "; ".join(found)


def settings_set_by(change: Mapping[str, Any]) -> dict[PlatformSetting, Any]:
    """Return the values that a recorded change sets, as `values_set_by.sql` does."""
    [scope] = targets_of([change])
    return {PlatformSetting(scope, key): value for key, value in values_set_by(change).items()}


def current_value_of(state: PlatformState, setting: PlatformSetting) -> Any:
    """Return the current value of a setting; None if there is none."""
    if setting.key:
        return state.configuration.get(setting)
    lifecycle = state.lifecycles.get(setting.scope)
    return None if lifecycle is None else str(lifecycle)


def compute_rollback(
    steps: Sequence[CompletedStep],
    *,
    current: PlatformState,
    history: Mapping[PlatformSetting, SettingHistory],
) -> ComputedRollback:
    """Compute what undoes these completed steps, which are in the order of the plan.

    Args:
        current: the platform as it is now.
        history: what the registry knows of the settings; one that it does not know is missing.
    """
    left_out = _left_out(steps, current=current, history=history)
    changes = [
        kept
        for step in reversed(steps)
        if step.rollback_action is not None
        and (kept := _without(step.rollback_action, left_out)) is not None
    ]
    return ComputedRollback(len(steps), tuple(changes), left_out)


def planned_rollback(plan: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]] | None:
    """Return the rollback actions of a whole plan in reverse; None if a step has none."""
    actions = [step["rollback_action"] for step in reversed(plan)]
    return None if None in actions else actions


def _left_out(
    steps: Sequence[CompletedStep],
    *,
    current: PlatformState,
    history: Mapping[PlatformSetting, SettingHistory],
) -> dict[PlatformSetting, str]:
    expected: dict[PlatformSetting, Any] = {}
    restored: dict[PlatformSetting, Any] = {}
    unknown: set[PlatformSetting] = set()
    for step in steps:
        values = settings_set_by(step.change)
        expected |= values
        if step.rollback_action is None:
            unknown |= values.keys()
        else:
            restored = settings_set_by(step.rollback_action) | restored
    found = {}
    for setting, value in expected.items():
        now = current_value_of(current, setting)
        known = history.get(setting)
        if setting in unknown:
            found[setting] = "no value is recorded from before the step"
        elif not _same(now, value):
            found[setting] = f"it is {value_in_words(now)} now, and the step set it to " + (
                value_in_words(value)
            )
        elif known is not None and not known.is_newest:
            found[setting] = "it was set again since"
        elif known is not None and not _same(known.before, restored[setting]):
            found[setting] = (
                f"it was {value_in_words(known.before)} before the job,"
                f" and {value_in_words(restored[setting])} when it was planned"
            )
    return found


def _without(
    action: Mapping[str, Any], left_out: Mapping[PlatformSetting, str]
) -> Mapping[str, Any] | None:
    """Return a rollback action without these settings; None if nothing is left of it."""
    [target] = targets_of([action])
    if action["type"] != "parameter_change":
        return None if left_out.keys() & settings_set_by(action).keys() else action
    kept = {
        key: value
        for key, value in action["parameters"].items()
        if PlatformSetting(target, key) not in left_out
    }
    return {**action, "parameters": kept} if kept else None


def _same(one: Any, other: Any) -> bool:
    return bool(canonical_text(one) == canonical_text(other))
