"""The factories of handlers and observers that are built in, or that installed packages announce.

A package announces one by an entry point: NAME = "module:factory".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from governance.domain.errors import InvalidRoutesError

HANDLERS = "govsite.handlers"
OBSERVERS = "govsite.observers"


def built_in(factories: Mapping[str, str]) -> dict[str, EntryPoint]:
    """Return built-in factories as entry points, which are loaded when they are needed."""
    return {name: EntryPoint(name, value, "") for name, value in factories.items()}


def announced(group: str, *, reserved: Collection[str]) -> dict[str, EntryPoint]:
    """Return what packages announce in a group; none takes a reserved name."""
    return {entry.name: entry for entry in entry_points(group=group) if entry.name not in reserved}


def load_factory(entry: EntryPoint, kind: str) -> Any:
    """Load the factory that an entry point names.

    Args:
        kind: "handler" or "observer", for the error.

    Raises:
        InvalidRoutesError: it cannot be loaded.
    """
    try:
        factory = entry.load()
    except Exception as error:  # noqa: BLE001 - a package of somebody else may raise anything
        raise InvalidRoutesError.whole(
            f"The {kind} {entry.name} ({entry.value}) cannot be loaded: "
            f"{type(error).__name__}: {error}."
        ) from None
    if not callable(factory):
        raise InvalidRoutesError.whole(f"The {kind} {entry.name} ({entry.value}) is no factory.")
    return factory
