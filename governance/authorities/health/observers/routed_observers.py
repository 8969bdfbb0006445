"""The observers of a site's routes: which of them observe a scope, and what surrounds each."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from governance.authorities.executor.performing import storable_text, text_of
from governance.authorities.executor.routes import Route, Routes
from governance.authorities.executor.secret_files import SecretFiles, StepSecrets
from governance.authorities.executor.steps import HandlerFault, StepRefused
from governance.authorities.health.observers.hidden_secrets import SecretHider
from governance.authorities.health.observers.observer import (
    CannotObserve,
    Observer,
    ObserverFactory,
    ScopeToObserve,
)
from governance.authorities.health.observers.states import checked_state
from governance.domain.changes import CHANGE_TYPES
from governance.domain.errors import InvalidInputError
from governance.domain.texts import cut_text

MAX_TROUBLE_LENGTH = 1000

# What was seen of a scope: its state, or in words why nobody can tell.
Seen = dict[str, Any] | str


class RoutedObserver:
    """The observer of a route, whose answers are checked and free of secrets.

    `obstacle` says why it cannot be used on this machine, or is empty.
    """

    def __init__(self, route: Route, factory: ObserverFactory | None, secrets: SecretFiles) -> None:
        self.name = route.observer
        self.options = route.observer_options
        self.obstacle = ""
        # Threads that were given up and have not ended yet.
        self.late_threads: list[threading.Thread] = []
        self._secrets = secrets
        try:
            if factory is None:
                raise CannotObserve(f"{self.name} is not installed on this machine")
            options = route.observer_table
            self._hider = SecretHider(secrets, options.text("hmac_key", default=""))
            self._observer: Observer = factory(options, secrets)
            options.require_no_more()
        except Exception as error:  # noqa: BLE001 - a package of somebody else may raise anything
            self.obstacle = self._words(error)

    @property
    def reads_own_database(self) -> bool:
        """Return whether it reads the database of govsite, on the connection of its caller."""
        return not self.obstacle and getattr(self._observer, "reads_own_database", False)

    def observe(self, scopes: Sequence[ScopeToObserve], *, seconds: float) -> dict[str, Seen]:
        """Return what was seen of each scope.

        Raises:
            Exception: if it reads the database of govsite, which does not answer.
        """
        if self.obstacle:
            return {one.scope: self.obstacle for one in scopes}
        try:
            answers = self._observer.observe(scopes, seconds=seconds)
            if not isinstance(answers, Mapping):
                raise CannotObserve("The observer returned no mapping.")
        except BaseException as error:
            if self.reads_own_database:
                raise
            trouble = self._words(error)
            return {one.scope: trouble for one in scopes}
        return {one.scope: self._seen(one, answers.get(one.scope)) for one in scopes}

    def _seen(self, scope: ScopeToObserve, answer: Any) -> Seen:
        try:
            if answer is None:
                raise CannotObserve("The answer leaves this scope out.")
            if isinstance(answer, CannotObserve):
                raise answer
            return self._hider.hide(checked_state(scope.scope, answer), scope)
        except Exception as error:  # noqa: BLE001 - what cannot be checked was not observed
            return self._words(error)

    def _words(self, error: BaseException) -> str:
        """Return the message of an exception, without the secrets of the route."""
        text = text_of(error)
        if not isinstance(error, CannotObserve | HandlerFault | StepRefused | InvalidInputError):
            text = f"{type(error).__name__}: {text}"
        hidden = str(StepSecrets(self._secrets).hide(text)).strip()
        return cut_text(storable_text(hidden), MAX_TROUBLE_LENGTH) or "The observer gave no reason."


class RoutedObservers:
    """The lookup of the observers of a scope; `observers` has each of them once."""

    def __init__(
        self, routes: Routes, factories: Mapping[str, ObserverFactory], secrets: SecretFiles
    ) -> None:
        """Make the observers of all routes; one that cannot be made has an obstacle."""
        self.routes = routes
        self.observers: list[RoutedObserver] = []
        self._by_path: dict[str, RoutedObserver] = {}
        for route in routes.routes:
            if not route.observer:
                continue
            observer = self._made_before(route)
            if observer is None:
                factory = factories.get(route.observer)
                observer = RoutedObserver(route, factory, secrets.unused())
                self.observers.append(observer)
            self._by_path[route.path] = observer

    def observers_of(self, scope: str) -> list[tuple[str, RoutedObserver]]:
        """Return the observers of the routes that serve this scope, for any type of change."""
        routes = (self.routes.route_of(scope, one) for one in CHANGE_TYPES)
        found = [self._by_path[route.path] for route in routes if route.observer]
        return [(observer.name, observer) for observer in dict.fromkeys(found)]

    def obstacle_of(self, route: Route) -> str:
        """Return why the observer of a route cannot be used on this machine, or an empty text."""
        return self._by_path[route.path].obstacle if route.observer else ""

    def _made_before(self, route: Route) -> RoutedObserver | None:
        """Return the observer of an earlier route that names the same one with the same options."""
        for observer in self.observers:
            if (observer.name, observer.options) == (route.observer, route.observer_options):
                return observer
        return None
