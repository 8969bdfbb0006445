"""Planning: proposed changes become ordered steps, each with a timeout and a rollback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from governance.domain.changes import (
    CapabilityDisable,
    CapabilityEnable,
    Change,
    ConfigurationUpdate,
    parse_changes,
)
from governance.domain.values import Lifecycle, PlatformState


class ExecutionOrchestrator:
    """The making of plans. It runs no plan; an executor does."""

    @staticmethod
    def plan_proposed_changes(
        proposed_changes: Any, *, state: PlatformState | None = None
    ) -> list[dict[str, Any]]:
        """Return the plan for `proposed_changes` in any of its three shapes; see `plan_changes`."""
        return ExecutionOrchestrator.plan_changes(
            parse_changes(proposed_changes), state=state or PlatformState()
        )

    @staticmethod
    def plan_changes(changes: Sequence[Change], *, state: PlatformState) -> list[dict[str, Any]]:
        """Return the plan: one step for each change, in the order given.

        A step is a JSON object: `step_index` (0..n-1), `step_type`, `target`, `change`,
        `timeout_seconds` (from settings), and `rollback_action`: the change that would undo the
        step, or None if the value before the step is not known. Each step is planned on the state
        that the steps before it leave, so its rollback restores exactly that state.
        """
        timeout = settings.GOVSITE["STEP_TIMEOUT_SECONDS"]
        lifecycles = dict(state.lifecycles)
        configuration = dict(state.configuration)
        steps = []
        for index, change in enumerate(changes):
            rollback = _rollback_of(change, lifecycles, configuration)
            steps.append(
                {
                    "step_index": index,
                    "step_type": change.type,
                    "target": change.target,
                    "change": change.document(),
                    "timeout_seconds": timeout,
                    "rollback_action": rollback,
                }
            )
            _follow(change, lifecycles, configuration)
        return steps


def _rollback_of(
    change: Change,
    lifecycles: dict[str, Lifecycle],
    configuration: dict[tuple[str, str], Any],
) -> dict[str, Any] | None:
    match change:
        case CapabilityEnable() | CapabilityDisable():
            return _return_to(change.capability_name, lifecycles.get(change.capability_name))
        case ConfigurationUpdate():
            # The change names the value that it replaces, so the registry is not needed.
            return change.document() | {
                "old_value": change.new_value,
                "new_value": change.old_value,
            }
    setting_keys = [(change.scope, name) for name in change.parameters]
    if not all(setting_key in configuration for setting_key in setting_keys):
        return None
    return change.document() | {
        "parameters": {name: configuration[scope, name] for scope, name in setting_keys}
    }


def _return_to(capability: str, before: Lifecycle | None) -> dict[str, Any] | None:
    if before is None:
        return None
    if before is Lifecycle.DISABLED:
        return {
            "type": "capability_disable",
            "capability_name": capability,
            "reason": "Return to the state before the change.",
        }
    return {
        "type": "capability_enable",
        "capability_name": capability,
        "target_lifecycle": str(before),
    }


def _follow(
    change: Change,
    lifecycles: dict[str, Lifecycle],
    configuration: dict[tuple[str, str], Any],
) -> None:
    match change:
        case CapabilityEnable():
            lifecycles[change.capability_name] = Lifecycle(change.target_lifecycle)
        case CapabilityDisable():
            lifecycles[change.capability_name] = Lifecycle.DISABLED
        case ConfigurationUpdate():
            configuration[change.scope, change.key] = change.new_value
        case _:
            configuration |= {(change.scope, k): v for k, v in change.parameters.items()}
