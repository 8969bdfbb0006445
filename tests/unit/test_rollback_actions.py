"""What a rollback does: the actions of completed steps in reverse, as far as they still fit."""

from __future__ import annotations

from typing import Any

import pytest

from governance.domain.rollbacks import (
    CompletedStep,
    PlatformSetting,
    SettingHistory,
    compute_rollback,
    planned_rollback,
    settings_set_by,
)
from governance.domain.values import Lifecycle, PlatformState

ENABLE = {"type": "capability_enable", "capability_name": "S", "target_lifecycle": "PREVIEW"}
DISABLE = {"type": "capability_disable", "capability_name": "S", "reason": "Back."}
TUNE = {"type": "parameter_change", "scope": "S", "parameters": {"a": 1, "b": 2}}
UNTUNE = {"type": "parameter_change", "scope": "S", "parameters": {"a": 0, "b": None}}


def setting_of(key: str, before: Any, after: Any) -> CompletedStep:
    change = {"type": "configuration_update", "scope": "S", "key": key}
    return CompletedStep(
        change | {"old_value": before, "new_value": after},
        change | {"old_value": after, "new_value": before},
    )


def state(lifecycle: Lifecycle | None = Lifecycle.PREVIEW, **values: Any) -> PlatformState:
    return PlatformState(
        lifecycles={} if lifecycle is None else {"S": lifecycle},
        configuration={("S", key): value for key, value in values.items()},
    )


@pytest.mark.parametrize(
    ("change", "values"),
    [
        (ENABLE, {("S", ""): "PREVIEW"}),
        (DISABLE, {("S", ""): "DISABLED"}),
        (setting_of("k", 1, 2).change, {("S", "k"): 2}),
        (TUNE, {("S", "a"): 1, ("S", "b"): 2}),
    ],
)
def test_change__sets_values(change: dict[str, Any], values: dict[Any, Any]) -> None:
    assert settings_set_by(change) == values


def test_rollback__on_an_unmoved_platform__is_every_action_in_reverse() -> None:
    steps = [CompletedStep(ENABLE, DISABLE), CompletedStep(TUNE, UNTUNE), setting_of("k", 1, 2)]
    found = compute_rollback(steps, current=state(a=1, b=2, k=2), history={})
    assert list(found.changes) == [steps[2].rollback_action, UNTUNE, DISABLE]
    assert found.left_out == {}
    assert found.left_out_in_words == ""


@pytest.mark.parametrize(
    ("current", "kept"),
    [
        (state(a=1, b=3), [{**UNTUNE, "parameters": {"a": 0}}, DISABLE]),
        (state(a=9, b=9), [DISABLE]),
        (state(Lifecycle.LAUNCHED, a=1, b=2), [UNTUNE]),
        (state(None, a=1, b=2), [UNTUNE]),
        (state(Lifecycle.LAUNCHED), []),
    ],
)
def test_rollback__on_a_moved_platform__leaves_out_what_moved(
    current: PlatformState, kept: list[Any]
) -> None:
    steps = [CompletedStep(ENABLE, DISABLE), CompletedStep(TUNE, UNTUNE)]
    assert list(compute_rollback(steps, current=current, history={}).changes) == kept


@pytest.mark.parametrize(
    ("history", "is_left_out"),
    [
        (SettingHistory(is_newest=True, before=1), False),
        (SettingHistory(is_newest=False, before=1), True),
        (SettingHistory(is_newest=True, before=7), True),
    ],
)
def test_rollback__of_a_setting__follows_its_history(
    history: SettingHistory, is_left_out: bool
) -> None:
    setting = PlatformSetting("S", "k")
    # Of two steps on one key the first one has the value from before the job.
    steps = [setting_of("k", 1, 2), setting_of("k", 2, 3)]
    found = compute_rollback(steps, current=state(k=3), history={setting: history})
    assert list(found.left_out) == ([setting] if is_left_out else [])
    assert len(found.changes) == (0 if is_left_out else 2)


def test_rollback__of_a_step_without_one__names_its_settings() -> None:
    steps = [CompletedStep(ENABLE, None), setting_of("k", 1, 2)]
    found = compute_rollback(steps, current=state(k=2), history={})
    assert list(found.changes) == [steps[1].rollback_action]
    assert found.left_out_in_words == (
        "the lifecycle of S (no value is recorded from before the step)"
    )


@pytest.mark.parametrize("actions", [[DISABLE, UNTUNE], [DISABLE, None]])
def test_plan__has_a_rollback__if_every_step_has_one(actions: list[Any]) -> None:
    plan = [{"rollback_action": action} for action in actions]
    assert planned_rollback(plan) == (None if None in actions else [UNTUNE, DISABLE])
