"""Tests of `ExecutionOrchestrator`: one ordered step per change, with timeout and rollback."""

from __future__ import annotations

from typing import Any

import pytest

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.planning import ExecutionOrchestrator
from governance.domain.changes import parse_changes
from governance.domain.errors import InvalidChangesError
from governance.domain.values import Lifecycle, PlatformState
from governance.models import ConfigurationEntry
from governance.services.registry.operations import register_capabilities
from tests.support.factories import THREE_CHANGES, pending_job
from tests.support.users import Users

ENABLE = {"type": "capability_enable", "capability_name": "Search", "target_lifecycle": "LAUNCHED"}
DISABLE = {"type": "capability_disable", "capability_name": "Search", "reason": "Too slow."}
UPDATE = {
    "type": "configuration_update",
    "scope": "Search",
    "key": "page_size",
    "old_value": 20,
    "new_value": 50,
}
TUNE = {"type": "parameter_change", "scope": "Search", "parameters": {"a": 1, "b": [2]}}

RETURN = {
    "type": "capability_disable",
    "capability_name": "Search",
    "reason": "Return to the state before the change.",
}


def plan(proposed_changes: Any, **state: Any) -> list[dict[str, Any]]:
    return ExecutionOrchestrator.plan_proposed_changes(
        proposed_changes, state=PlatformState(**state)
    )


def rollback_of(*changes: dict[str, Any], **state: Any) -> Any:
    """Return the rollback action of the last planned step."""
    return plan(list(changes), **state)[-1]["rollback_action"]


def lifecycle_of_search(lifecycle: Lifecycle) -> dict[str, Any]:
    return {"lifecycles": {"Search": lifecycle}}


class TestExecutionOrchestrator:
    # --- the steps ---
    def test_plan__has_one_step_for_each_change_in_order(self) -> None:
        steps = plan([ENABLE, UPDATE, TUNE, DISABLE])
        assert [step["step_index"] for step in steps] == [0, 1, 2, 3]
        assert [step["change"] for step in steps] == [ENABLE, UPDATE, TUNE, DISABLE]
        assert [step["step_type"] for step in steps] == [
            "capability_enable",
            "configuration_update",
            "parameter_change",
            "capability_disable",
        ]

    @pytest.mark.parametrize(
        "shape",
        [[UPDATE], {"changes": [UPDATE]}, UPDATE],
        ids=["list", "changes", "one change"],
    )
    def test_proposed_changes__in_each_of_three_shapes__give_the_same_plan(
        self, shape: Any
    ) -> None:
        assert plan(shape) == plan([UPDATE])
        assert plan(shape)[0]["change"] == UPDATE

    @pytest.mark.parametrize(
        ("shape", "path"),
        [
            ([], "proposed_changes"),
            ({"changes": []}, "proposed_changes.changes"),
            ({"changes": UPDATE}, "proposed_changes.changes"),
            ({"changes": [UPDATE], "note": "x"}, "proposed_changes.note"),
            ({}, "proposed_changes.type"),
            (None, "proposed_changes"),
            ("capability_enable", "proposed_changes"),
            (7, "proposed_changes"),
            ([UPDATE, {"type": "reboot"}], "proposed_changes[1].type"),
            ([UPDATE | {"force": True}], "proposed_changes[0].force"),
            (
                [{"type": "capability_disable", "reason": "x"}],
                "proposed_changes[0].capability_name",
            ),
            (ENABLE | {"target_lifecycle": "DISABLED"}, "proposed_changes.target_lifecycle"),
        ],
    )
    def test_proposed_changes__in_any_other_shape__refused_with_the_path(
        self, shape: Any, path: str
    ) -> None:
        with pytest.raises(InvalidChangesError) as refusal:
            plan(shape)
        assert refusal.value.code == "invalid_changes"
        assert refusal.value.errors[0]["path"] == path

    @pytest.mark.parametrize(
        ("change", "target"),
        [(ENABLE, "Search"), (DISABLE, "Search"), (UPDATE | {"scope": "SYSTEM"}, "SYSTEM")],
    )
    def test_step__targets_what_its_change_names(self, change: Any, target: str) -> None:
        assert plan(change)[0]["target"] == target

    def test_step__gets_its_time_from_the_settings(self, settings: Any) -> None:
        assert plan(UPDATE)[0]["timeout_seconds"] == 300
        settings.GOVSITE = settings.GOVSITE | {"STEP_TIMEOUT_SECONDS": 7}
        assert plan(UPDATE)[0]["timeout_seconds"] == 7

    def test_planning__the_same_twice__is_the_same(self) -> None:
        state = PlatformState(lifecycles={"Search": Lifecycle.DISABLED})
        changes = parse_changes(THREE_CHANGES)
        first = GovernanceOrchestrator.plan_changes(changes, state=state)
        assert GovernanceOrchestrator.plan_changes(changes, state=state) == first
        assert state == PlatformState(lifecycles={"Search": Lifecycle.DISABLED})

    # --- rollback actions ---
    @pytest.mark.parametrize("change", [ENABLE, DISABLE])
    @pytest.mark.parametrize(
        "before", [Lifecycle.PREVIEW, Lifecycle.LAUNCHED, Lifecycle.DEPRECATED]
    )
    def test_capability_change__of_an_enabled_one__leads_back_to_its_stage(
        self, change: dict[str, Any], before: Lifecycle
    ) -> None:
        assert rollback_of(change, **lifecycle_of_search(before)) == ENABLE | {
            "target_lifecycle": before
        }

    @pytest.mark.parametrize("change", [ENABLE, DISABLE])
    def test_capability_change__of_a_disabled_one__leads_back_to_disabled(
        self, change: dict[str, Any]
    ) -> None:
        assert rollback_of(change, **lifecycle_of_search(Lifecycle.DISABLED)) == RETURN

    @pytest.mark.parametrize("change", [ENABLE, DISABLE])
    def test_capability_change__of_an_unknown_one__has_no_rollback(
        self, change: dict[str, Any]
    ) -> None:
        assert rollback_of(change) is None

    @pytest.mark.parametrize("expected", [20, 25, None])
    @pytest.mark.parametrize("recorded", [20, [1, {"a": None}], False])
    def test_configuration_update__leads_back_to_what_is_recorded(
        self, recorded: Any, expected: Any
    ) -> None:
        change = UPDATE | {"old_value": expected}
        configuration = {("Search", "page_size"): recorded}
        assert rollback_of(change, configuration=configuration) == UPDATE | {
            "old_value": 50,
            "new_value": recorded,
        }

    @pytest.mark.parametrize("scope", ["Search", "SYSTEM"])
    def test_absent_key__reads_as_null_and_its_rollback_sets_null(self, scope: str) -> None:
        state = {**lifecycle_of_search(Lifecycle.PREVIEW), "configuration": {(scope, "a"): 0}}
        update = UPDATE | {"scope": scope}
        assert rollback_of(update, **state)["new_value"] is None
        back = rollback_of(TUNE | {"scope": scope}, **state)
        assert back["parameters"] == {"a": 0, "b": None}

    @pytest.mark.parametrize("change", [UPDATE, TUNE])
    def test_setting__of_what_is_not_registered__has_no_rollback(self, change: Any) -> None:
        assert rollback_of(change, lifecycles={"Other": Lifecycle.PREVIEW}) is None

    def test_update__that_removes_a_key__is_followed_by_the_next(self) -> None:
        remove, restore = UPDATE | {"new_value": None}, UPDATE | {"old_value": None}
        recorded = {"configuration": {("Search", "page_size"): 20}}
        assert rollback_of(remove, restore, **recorded)["new_value"] is None
        assert rollback_of(remove, restore, remove, **recorded)["new_value"] == 50

    def test_update__without_an_old_value__gets_that_of_the_steps_before(self) -> None:
        change = {name: value for name, value in UPDATE.items() if name != "old_value"}
        steps = plan(
            [change, change, change | {"key": "new"}], configuration={("Search", "page_size"): 20}
        )
        assert [step["change"]["old_value"] for step in steps] == [20, 50, None]

    def test_parameter_change__all_known_before__returns_them(self) -> None:
        configuration = {("Search", "a"): 0, ("Search", "b"): None, ("Search", "c"): 9}
        assert rollback_of(TUNE, configuration=configuration) == TUNE | {
            "parameters": {"a": 0, "b": None}
        }

    @pytest.mark.parametrize(
        "configuration", [{}, {("Search", "a"): 0}, {("Other", "a"): 0, ("Other", "b"): 0}]
    )
    def test_parameter_change__one_not_known_before__has_no_rollback(
        self, configuration: dict[Any, Any]
    ) -> None:
        assert rollback_of(TUNE, configuration=configuration) is None

    def test_rollback__restores_what_the_steps_before_had_set(self) -> None:
        assert rollback_of(ENABLE, DISABLE, **lifecycle_of_search(Lifecycle.PREVIEW)) == ENABLE
        assert rollback_of(DISABLE, ENABLE, **lifecycle_of_search(Lifecycle.PREVIEW)) == RETURN
        assert rollback_of(ENABLE, DISABLE) == ENABLE

    def test_rollback__of_parameters__follows_updates_and_tunings_before(self) -> None:
        update = UPDATE | {"key": "a", "new_value": 5}
        first = TUNE | {"parameters": {"b": 6}}
        assert rollback_of(update, first, TUNE)["parameters"] == {"a": 5, "b": 6}

    @pytest.mark.parametrize("change", [ENABLE, DISABLE, UPDATE, TUNE])
    def test_rollback__is_itself_a_well_formed_change(self, change: dict[str, Any]) -> None:
        configuration = {("Search", "a"): 0, ("Search", "b"): 0, ("Search", "page_size"): 1}
        back = rollback_of(
            change, configuration=configuration, **lifecycle_of_search(Lifecycle.DISABLED)
        )
        assert [c.document() for c in parse_changes(back)] == [back]

    # --- with registered capabilities ---
    def test_job__of_registered_capability__carries_the_rollback_actions(
        self, users: Users
    ) -> None:
        register_capabilities(
            documents=[
                {
                    "name": "Search",
                    "lifecycle": "DEPRECATED",
                    "configuration": {"timeout_seconds": 9},
                }
            ]
        )
        assert ConfigurationEntry.objects.get().value == 9
        backs = [step.rollback_action for step in pending_job(users).steps.all()]
        assert backs == [
            THREE_CHANGES[0] | {"target_lifecycle": "DEPRECATED"},
            THREE_CHANGES[1] | {"old_value": 50, "new_value": None},
            THREE_CHANGES[2] | {"parameters": {"timeout_seconds": 9}},
        ]
