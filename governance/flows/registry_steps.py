"""The handler `registry`: its steps change the registry of the site, and nothing else.

The registry follows each completed step in the transaction of its report. So the handler itself
only reads what is recorded, and says what will be recorded.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import connection

from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import Step, StepOutcome, StepRefused
from governance.domain.changes import (
    CHANGE_TYPES,
    CapabilityDisable,
    CapabilityEnable,
    Change,
    ConfigurationUpdate,
    parse_changes,
)
from governance.domain.values import SYSTEM_SCOPE, Lifecycle
from governance.services.registry.queries import target_state


class RegistryHandler:
    """The handler of steps whose platform is the registry."""

    @property
    def step_types(self) -> Collection[str]:
        return CHANGE_TYPES

    def run_step(self, step: Step) -> StepOutcome:
        """Return the recorded state of the target before the step, and the state after it.

        Raises:
            StepRefused: the target is not registered.
        """
        [change] = parse_changes(dict(step.change))
        keys = _keys_of(change)
        try:
            lifecycle, values = target_state(change.target, keys)
        finally:
            # A step runs in a thread of its own, whose connection nobody else would close.
            connection.close()
        if lifecycle is None and (change.target != SYSTEM_SCOPE or not keys):
            raise StepRefused(f"{change.target} is not registered.")
        return StepOutcome(
            did=f"{step.step_type} of {step.target} in the registry",
            state_before=(
                {key: values.get(key) for key in keys} if keys else {"lifecycle": str(lifecycle)}
            ),
            state_after=_after(change),
            rollback_action=step.rollback_action,
        )


def make_registry_handler(options: OptionTable, secrets: SecretFiles) -> RegistryHandler:
    """Make the handler; it has no options and needs no secrets, whose references it records."""
    return RegistryHandler()


def _keys_of(change: Change) -> list[str]:
    """Return the keys of the configuration that a change sets; none if it sets the lifecycle."""
    if isinstance(change, CapabilityEnable | CapabilityDisable):
        return []
    return [change.key] if isinstance(change, ConfigurationUpdate) else list(change.parameters)


def _after(change: Change) -> dict[str, Any]:
    match change:
        case CapabilityEnable():
            return {"lifecycle": str(change.target_lifecycle)}
        case CapabilityDisable():
            return {"lifecycle": str(Lifecycle.DISABLED)}
        case ConfigurationUpdate():
            return {change.key: change.new_value}
    return dict(change.parameters)
