"""Planning: proposed changes become ordered steps, each with a timeout and a rollback."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings

from governance.domain.changes import (
    CapabilityDisable,
    CapabilityEnable,
    Change,
    ConfigurationUpdate,
    parse_changes,
)
from governance.domain.secrets import (
    HIDDEN_SECRET,
    SecretKeys,
    refuse_clear_secrets,
    secrets_in_change,
)
from governance.domain.values import SYSTEM_SCOPE, Lifecycle, PlatformState

_NOT_RECORDED: Any = object()


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
        step, or None if nothing is recorded of its target, which is not registered. Each step is
        planned on the recorded state and the steps before it, so its rollback restores exactly that
        state, whatever `old_value` the change names. A change without one gets that state's.

        Raises:
            SecretInClearError: a change has a secret in clear, which no plan may hold.
        """
        timeout = settings.GOVSITE["STEP_TIMEOUT_SECONDS"]
        words = settings.GOVSITE["SECRET_KEYS"]
        recorded = _RecordedState(state)
        steps: list[dict[str, Any]] = []
        in_clear: list[str] = []
        for index, planned in enumerate(changes):
            change = recorded.with_old_value(planned)
            keys = SecretKeys(words, state.secret_keys.get(change.target, ()))
            in_clear += secrets_in_change(change, f"proposed_changes[{index}]", keys)
            steps.append(
                {
                    "step_index": index,
                    "step_type": change.type,
                    "target": change.target,
                    "change": change.document(),
                    "timeout_seconds": timeout,
                    "rollback_action": recorded.rollback_of(change),
                }
            )
            recorded.follow(change)
        refuse_clear_secrets(in_clear)
        return steps


class _RecordedState:
    """The recorded values of a platform, and those that the steps of a plan leave in turn."""

    def __init__(self, state: PlatformState) -> None:
        self._lifecycles = dict(state.lifecycles)
        self._configuration = dict(state.configuration)
        self._registered = {*state.lifecycles, SYSTEM_SCOPE}

    def with_old_value(self, change: Change) -> Change:
        if not isinstance(change, ConfigurationUpdate) or change.has_old_value:
            return change
        recorded = self._configuration.get((change.scope, change.key))
        return change.model_copy(update={"old_value": recorded})

    def rollback_of(self, change: Change) -> dict[str, Any] | None:
        match change:
            case CapabilityEnable() | CapabilityDisable():
                return _return_to(
                    change.capability_name, self._lifecycles.get(change.capability_name)
                )
            case ConfigurationUpdate():
                before = self._values_before(change.scope, [change.key])
                return before and change.document() | {
                    "old_value": change.new_value,
                    "new_value": before[change.key],
                }
        before = self._values_before(change.scope, change.parameters)
        return before and change.document() | {"parameters": before}

    def _values_before(self, scope: str, keys: Iterable[str]) -> dict[str, Any] | None:
        """Return the recorded values, or None if one is not known.

        A key that is absent from a registered scope has the value None.
        """
        values = {key: self._configuration.get((scope, key), _NOT_RECORDED) for key in keys}
        if HIDDEN_SECRET in values.values():
            return None
        if scope in self._registered:
            return {key: None if one is _NOT_RECORDED else one for key, one in values.items()}
        return None if _NOT_RECORDED in values.values() else values

    def follow(self, change: Change) -> None:
        """Take over the values that the change sets."""
        match change:
            case CapabilityEnable():
                self._lifecycles[change.capability_name] = Lifecycle(change.target_lifecycle)
            case CapabilityDisable():
                self._lifecycles[change.capability_name] = Lifecycle.DISABLED
            case ConfigurationUpdate():
                self._configuration[change.scope, change.key] = change.new_value
            case _:
                self._configuration |= {
                    (change.scope, key): value for key, value in change.parameters.items()
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
