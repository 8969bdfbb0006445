"""Changes of the registry by an import, which is the only way without a step."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import JSONField, Value

from governance.db.clock import database_now
from governance.models import Capability, ConfigurationEntry, RegistryChange, RegistryImport
from tests.support.attacks import run_sql


def new_change(scope: str, key: str, value: Any) -> RegistryChange:
    """Record an import of one value, inside the caller's transaction; the row must follow."""
    run_sql("SET CONSTRAINTS registry_has_import DEFERRED")
    now = database_now()
    origin = RegistryImport.objects.create(imported_at=now, documents_sha256="0" * 64)
    return RegistryChange.objects.create(
        scope=scope,
        key=key,
        value=Value(value, JSONField()),
        changed_at=now,
        registry_import=origin,
    )


def set_value(scope: str, key: str, value: Any, **columns: Any) -> ConfigurationEntry:
    """Set a configuration value as an import would; None is no value.

    `columns` are the others of a new row.
    """
    with transaction.atomic():
        change = new_change(scope, key, value)
        new = {"value": Value(value, JSONField()), "origin": change}
        entries = ConfigurationEntry.objects.filter(scope=scope, key=key)
        if not entries.update(**new):
            ConfigurationEntry.objects.create(scope=scope, key=key, **new, **columns)
        return entries.get()


def set_lifecycle(name: str, lifecycle: str) -> None:
    """Set the lifecycle of a registered capability as an import would."""
    with transaction.atomic():
        change = new_change(name, "", lifecycle)
        Capability.objects.filter(name=name).update(lifecycle=lifecycle, origin=change)


def registered(name: str, *, lifecycle: str = "DISABLED", **columns: Any) -> Capability:
    """Register a capability with columns that `register_capabilities` does not set, as wanted."""
    with transaction.atomic():
        change = new_change(name, "", lifecycle)
        return Capability.objects.create(name=name, lifecycle=lifecycle, origin=change, **columns)


def values_of(scope: str) -> dict[str, Any]:
    """Return the configuration of a scope as it is recorded."""
    return dict(ConfigurationEntry.objects.filter(scope=scope).values_list("key", "value"))
