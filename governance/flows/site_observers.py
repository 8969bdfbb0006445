"""The observers that serve the routes of this site on this machine."""

from __future__ import annotations

from functools import lru_cache, partial
from importlib.metadata import EntryPoint

from django.conf import settings

from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.routes import BUILT_IN_OBSERVERS, Routes
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.health.observers import FACTORIES
from governance.authorities.health.observers.observer import Observer, ObserverFactory
from governance.authorities.health.observers.routed_observers import RoutedObservers
from governance.flows.installed_factories import OBSERVERS, announced, built_in, load_factory
from governance.flows.route_steps import site_routes, site_secrets


def site_observers() -> RoutedObservers:
    """Return the observers of this site's routes; one that cannot be made has an obstacle.

    Raises:
        InvalidInputError: the routes cannot be used.
    """
    observers = _observers_of(site_routes(), settings.GOVSITE_SECRETS_DIR)
    if any(one.obstacle for one in observers.observers):
        # Made again next time: the machine may be mended without a change of the routes.
        _observers_of.cache_clear()
    return observers


@lru_cache(maxsize=1)
def _observers_of(routes: Routes, secrets_folder: str) -> RoutedObservers:
    """Make the observers of routes; `secrets_folder` is what changes with the setting."""
    installed = built_in(FACTORIES) | announced(OBSERVERS, reserved=BUILT_IN_OBSERVERS)
    used = {route.observer for route in routes.routes} & set(installed)
    factories: dict[str, ObserverFactory] = {
        name: partial(_load_and_make, installed[name]) for name in used
    }
    return RoutedObservers(routes, factories, site_secrets())


def _load_and_make(entry: EntryPoint, options: OptionTable, secrets: SecretFiles) -> Observer:
    """Make an observer, whose package is loaded here, so that a fault of it is its obstacle."""
    observer: Observer = load_factory(entry, "observer")(options, secrets)
    return observer
