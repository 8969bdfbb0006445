"""The observer `registry`: reads the registry itself, for steps whose platform is the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.health.observers.observer import ScopeToObserve
from governance.services.registry.queries import recorded_states


class RegistryObserver:
    """An observer of the registry."""

    # A thread of its own would need a connection of its own for a query of a millisecond.
    reads_own_database = True

    def observe(
        self, scopes: Sequence[ScopeToObserve], *, seconds: float
    ) -> Mapping[str, Mapping[str, Any]]:
        """Return the recorded state of each scope; one query."""
        return recorded_states(one.scope for one in scopes)


def make_registry_observer(options: OptionTable, secrets: SecretFiles) -> RegistryObserver:
    """Make the observer; it has no options and needs no secrets."""
    return RegistryObserver()
