"""Queries of the registry, which return values and not live rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from governance.db.rows import fetch_rows
from governance.domain.canonical import load_json
from governance.domain.changes import Change
from governance.domain.names import name_key
from governance.domain.observations import CONFIGURATION, LIFECYCLE, empty_state
from governance.domain.recorded_changes import LIFECYCLE_KEY
from governance.domain.values import SYSTEM_SCOPE, Lifecycle, PlatformState
from governance.models import Capability, ConfigurationEntry, PlatformValue, RegistryValue
from governance.services.registry.secret_keys import visible_value

_TARGET = """
    SELECT (SELECT lifecycle FROM governance_capability WHERE name = %s),
           (SELECT json_object_agg(key, value)::text FROM governance_configurationentry
             WHERE scope = %s AND key = ANY (%s))"""
_RECORDED = """
SELECT name, '', to_jsonb(lifecycle) FROM governance_capability WHERE name = ANY (%s)
 UNION ALL
SELECT scope, key, value FROM governance_configurationentry WHERE scope = ANY (%s)"""


def capabilities_named(names: Iterable[str]) -> dict[str, Capability]:
    """Return the registered capabilities among `names`, and those like them, by name; one query."""
    keys = {name_key(name) for name in names}
    found = Capability.objects.filter(name_key__in=keys).only(
        "name", "lifecycle", "frozen", "secret_keys"
    )
    return {capability.name: capability for capability in found}


def platform_state_for(changes: Iterable[Change]) -> PlatformState:
    """Return the state of the targets of `changes` as far as known; two queries."""
    targets = {change.target for change in changes}
    return platform_state_of(targets, capabilities_named(targets))


def platform_state_of(scopes: Iterable[str], known: Mapping[str, Capability]) -> PlatformState:
    """Return the lifecycles and the configuration of scopes as far as known; one query.

    A value that was observed since it was recorded counts, unless it hides a secret.

    Args:
        known: the capabilities of `capabilities_named` for these scopes.
    """
    scopes = set(scopes)
    values = _values_of(scopes)
    return PlatformState(
        lifecycles={
            scope: Lifecycle(value)
            for (scope, key), value in values.items()
            if key == LIFECYCLE_KEY
        },
        configuration={
            (scope, key): visible_value(key, value)
            for (scope, key), value in values.items()
            if key != LIFECYCLE_KEY
        },
        secret_keys={name: known[name].secret_keys for name in scopes if name in known},
    )


def target_state(target: str, keys: Collection[str]) -> tuple[Lifecycle | None, dict[str, Any]]:
    """Return the lifecycle of a target, and the recorded values of `keys`; one query.

    A target that is no registered capability has no lifecycle. A key without a value is left out.
    """
    [(lifecycle, values)] = fetch_rows(_TARGET, [target, target, list(keys)])
    recorded = load_json(values) if values else {}
    return (
        Lifecycle(lifecycle) if lifecycle else None,
        {key: visible_value(key, value) for key, value in recorded.items()},
    )


def _values_of(scopes: Iterable[str]) -> dict[tuple[str, str], Any]:
    # No scope has NUL in its name, and PostgreSQL raises an error for a parameter that has.
    names = [scope for scope in scopes if "\x00" not in scope]
    rows = PlatformValue.objects.filter(scope__in=names).values_list("scope", "key", "value")
    return {(scope, key): value for scope, key, value in rows}


def configuration_of(scopes: Iterable[str]) -> dict[tuple[str, str], Any]:
    """Return the recorded configuration of these scopes, by (scope, key); one query."""
    # No scope has NUL in its name, and PostgreSQL raises an error for a parameter that has.
    names = [scope for scope in scopes if "\x00" not in scope]
    entries = ConfigurationEntry.objects.filter(scope__in=names)
    return {
        (scope, key): visible_value(key, value)
        for scope, key, value in entries.values_list("scope", "key", "value")
    }


def recorded_states(scopes: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the recorded state of each scope in the form of an observed one; one query."""
    states = {scope: empty_state(scope) for scope in scopes}
    for scope, key, value in fetch_rows(_RECORDED, [[*states]] * 2):
        if key == LIFECYCLE_KEY:
            states[scope][LIFECYCLE] = load_json(value)
        else:
            states[scope][CONFIGURATION][key] = visible_value(key, load_json(value))
    return states


def secret_keys_of(scopes: Iterable[str]) -> dict[str, list[str]]:
    """Return the keys that are registered as those of secrets, by scope; one query."""
    found = Capability.objects.filter(name__in=list(scopes)).exclude(secret_keys=[])
    return dict(found.values_list("name", "secret_keys"))


def registry_values_of(scope: str) -> list[RegistryValue]:
    """Return the lifecycle and the configuration of a scope with their origins; one query."""
    return list(RegistryValue.objects.filter(scope=scope))


def registry_values_among(scopes: Collection[str], keys: Collection[str]) -> list[RegistryValue]:
    """Return the values of these keys in any of these scopes, with their origins; one query."""
    return list(RegistryValue.objects.filter(scope__in=scopes, key__in=keys))


def capability_ids(names: Iterable[str]) -> dict[str, int]:
    """Map those of `names` that are registered capabilities to their ids; one query."""
    return dict(Capability.objects.filter(name__in=list(names)).values_list("name", "pk"))


def launched_capabilities() -> list[str]:
    """Return the names of the capabilities that are LAUNCHED, in alphabetical order."""
    launched = Capability.objects.filter(lifecycle=Lifecycle.LAUNCHED).order_by("name")
    return list(launched.values_list("name", flat=True))


def capability_names(*, limit: int) -> list[str]:
    """Return the names of the first `limit` capabilities in alphabetical order."""
    return list(Capability.objects.order_by("name").values_list("name", flat=True)[:limit])


def names_like(
    names: Iterable[str], known: Mapping[str, Capability] | None = None
) -> dict[str, list[str]]:
    """Map those of `names` that look like other registered capabilities to these.

    No query if the capabilities of `capabilities_named` are `known`, otherwise one.
    """
    names = list(names)
    known = capabilities_named(names) if known is None else known
    return _others(names, sorted(known))


def keys_like(scope: str, keys: Iterable[str]) -> dict[str, list[str]]:
    """Map those of `keys` that look like other keys of the scope to these; one query."""
    keys = list(keys)
    alike = ConfigurationEntry.objects.filter(
        scope=scope, name_key__in={name_key(key) for key in keys}
    )
    return _others(keys, alike.order_by("key").values_list("key", flat=True))


def _others(names: Iterable[str], registered: Iterable[str]) -> dict[str, list[str]]:
    alike: dict[str, list[str]] = {}
    for other in registered:
        alike.setdefault(name_key(other), []).append(other)
    others = {
        name: [other for other in alike.get(name_key(name), ()) if other != name] for name in names
    }
    return {name: found for name, found in others.items() if found}


def unknown_capabilities(names: Iterable[str]) -> list[str]:
    """Return those of `names` that are not registered, sorted; SYSTEM always counts as known."""
    asked = {*names} - {SYSTEM_SCOPE}
    return sorted(asked - capabilities_named(asked).keys()) if asked else []


def frozen_capabilities(names: Iterable[str]) -> list[str]:
    """Return those of `names` that are frozen, so that no contract about them can be approved."""
    return list(
        Capability.objects.filter(name__in=list(names), frozen=True).values_list("name", flat=True)
    )


def all_capability_names() -> list[str]:
    """Return the names of all capabilities, sorted; one query."""
    return list(Capability.objects.order_by("name").values_list("name", flat=True))


def keys_of_all_scopes() -> dict[str, list[str]]:
    """Map each scope with configuration to its keys, sorted; one query."""
    keys: dict[str, list[str]] = {}
    entries = ConfigurationEntry.objects.order_by("scope", "key")
    for scope, key in entries.values_list("scope", "key"):
        keys.setdefault(scope, []).append(key)
    return keys
