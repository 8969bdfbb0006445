"""What is true of the platform now, as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from governance.domain.changes import Change
from governance.domain.values import (
    SYSTEM_SCOPE,
    Lifecycle,
    PlatformState,
)
from governance.models import Capability, ConfigurationEntry


def capabilities_named(names: Iterable[str]) -> dict[str, Capability]:
    """Those of `names` that are on record, by name; one query."""
    found = Capability.objects.filter(name__in={*names}).only("name", "lifecycle", "frozen")
    return {capability.name: capability for capability in found}


def platform_state_for(
    changes: Iterable[Change], known: Mapping[str, Capability] | None = None
) -> PlatformState:
    """The lifecycles and configuration that `changes` touch; one query, and one more unless the
    capabilities among their targets are `known` already.
    """
    targets = {change.target for change in changes}
    known = capabilities_named(targets) if known is None else known
    return PlatformState(
        lifecycles={name: Lifecycle(known[name].lifecycle) for name in targets if name in known},
        configuration={
            (scope, key): value
            for scope, key, value in ConfigurationEntry.objects.filter(
                scope__in=targets
            ).values_list("scope", "key", "value")
        },
    )


def configuration_of(scopes: Iterable[str]) -> dict[tuple[str, str], Any]:
    """What stands at each key of these scopes; one query."""
    # Nobody's name holds NUL, and PostgreSQL cannot be asked for one that does.
    names = [scope for scope in scopes if "\x00" not in scope]
    entries = ConfigurationEntry.objects.filter(scope__in=names)
    return {
        (scope, key): value for scope, key, value in entries.values_list("scope", "key", "value")
    }


def capability_names(*, limit: int) -> list[str]:
    """The first `limit` capabilities by name."""
    return list(Capability.objects.order_by("name").values_list("name", flat=True)[:limit])


def unknown_capabilities(names: Iterable[str]) -> list[str]:
    """Those of `names` that no capability on record has; SYSTEM is always known."""
    asked = {*names} - {SYSTEM_SCOPE}
    return sorted(asked - capabilities_named(asked).keys()) if asked else []


def frozen_capabilities(names: Iterable[str]) -> list[str]:
    """Those of `names` that are frozen: nobody may change them."""
    return list(
        Capability.objects.filter(name__in=list(names), frozen=True).values_list("name", flat=True)
    )
