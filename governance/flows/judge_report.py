"""Judge a report: the registry's names go to the validator, which reads nothing by itself."""

from __future__ import annotations

from governance.authorities.validator.name_index import NameIndex
from governance.services.registry.queries import all_capability_names, keys_of_all_scopes


def registered_names() -> NameIndex:
    """Return the names of all capabilities and their configuration keys; two queries."""
    return NameIndex(all_capability_names(), keys_of_all_scopes())
