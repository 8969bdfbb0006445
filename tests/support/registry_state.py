"""The values of the registry, as they are recorded, and as changes describe them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from governance.domain.changes import (
    CapabilityDisable,
    CapabilityEnable,
    Change,
    ConfigurationUpdate,
)
from governance.domain.values import Lifecycle
from governance.models import Capability, ConfigurationEntry
from tests.support.kubernetes import CAPABILITIES

# The lifecycles by capability, and the configuration by scope and key, without what has no value.
RegistryState = tuple[dict[str, str], dict[tuple[str, str], Any]]


def recorded_state() -> RegistryState:
    """Return the registry as it is recorded."""
    entries = ConfigurationEntry.objects.values_list("scope", "key", "value")
    return (
        dict(Capability.objects.values_list("name", "lifecycle")),
        {(scope, key): value for scope, key, value in entries if value is not None},
    )


def described_state(changes: Iterable[Change]) -> RegistryState:
    """Return the registry of the real data after these changes, in their order."""
    lifecycles: dict[str, str] = {}
    configuration: dict[tuple[str, str], Any] = {}
    for document in json.loads(CAPABILITIES.read_text())["capabilities"]:
        lifecycles[document["name"]] = document.get("lifecycle", str(Lifecycle.DISABLED))
        for key, value in document.get("configuration", {}).items():
            configuration[document["name"], key] = value
    for change in changes:
        match change:
            case CapabilityEnable():
                lifecycles[change.target] = str(change.target_lifecycle)
            case CapabilityDisable():
                lifecycles[change.target] = str(Lifecycle.DISABLED)
            case ConfigurationUpdate():
                configuration[change.scope, change.key] = change.new_value
            case _:
                for key, value in change.parameters.items():
                    configuration[change.scope, key] = value
    return lifecycles, {at: value for at, value in configuration.items() if value is not None}
