"""The routes of this site, and the handlers that serve them on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from governance.authorities.executor.handlers import FACTORIES
from governance.authorities.executor.handlers.reported import reported
from governance.authorities.executor.routed_handlers import HandlerFactory, RoutedHandlers
from governance.authorities.executor.routes import (
    BUILT_IN_HANDLERS,
    BUILT_IN_OBSERVERS,
    Routes,
    read_routes,
)
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import StepInPlan
from governance.domain.errors import InvalidRoutesError
from governance.flows.installed_factories import (
    HANDLERS,
    OBSERVERS,
    announced,
    built_in,
    load_factory,
)
from governance.record.files import file_version, read_protected_file


def site_routes() -> Routes:
    """Return the routes in GOVSITE_EXECUTION_FILE; without a file, all steps are left to clients.

    A file that has not changed is read once.

    Raises:
        UnreadableFileError: the file cannot be read.
        InvalidRoutesError: other accounts may write the file, or a field of it is wrong.
    """
    if not settings.GOVSITE_EXECUTION_FILE:
        return Routes()
    path = Path(settings.GOVSITE_EXECUTION_FILE)
    return _read_file(path, file_version(path))


def site_handlers(*, provided: Mapping[str, HandlerFactory] | None = None) -> RoutedHandlers:
    """Make the handlers of this site's routes: the built-in ones and those of entry points.

    Args:
        provided: the factories of handlers that the caller has, such as `registry`, by name. These
            get the references of secrets, and nothing that they report is changed.

    Raises:
        InvalidInputError: the routes, the options of one, or a secret that one names cannot be
            used.
    """
    routes = site_routes()
    factories = dict(provided or {})
    installed = built_in(FACTORIES) | announced(HANDLERS, reserved=BUILT_IN_HANDLERS)
    for name in {route.handler for route in routes.routes} & set(installed) - set(factories):
        factories[name] = reported(load_factory(installed[name], "handler"))
    return RoutedHandlers(routes, factories, site_secrets())


def plan_of(steps: Iterable[Mapping[str, Any]]) -> list[StepInPlan]:
    """Return the records of a plan's steps as the executor takes them."""
    return [StepInPlan(**step) for step in steps]


def site_secrets() -> SecretFiles:
    """Return the secrets in GOVSITE_SECRETS_DIR."""
    folder = settings.GOVSITE_SECRETS_DIR
    return SecretFiles(Path(folder) if folder else None)


@lru_cache(maxsize=8)
def _read_file(path: Path, version: tuple[int, ...]) -> Routes:
    """Read a routes file; `version` is what changes with the file."""
    return read_routes(
        read_protected_file(path, invalid=InvalidRoutesError),
        more_handlers=announced(HANDLERS, reserved=BUILT_IN_HANDLERS),
        more_observers=announced(OBSERVERS, reserved=BUILT_IN_OBSERVERS),
    )
