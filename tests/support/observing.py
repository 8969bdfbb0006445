"""Observers as a site makes them, from the options of a route, and what they see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.routes import Route, Routes
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.health.observers.observer import (
    CannotObserve,
    Observer,
    ObserverFactory,
    ScopeToObserve,
)
from governance.authorities.health.observers.routed_observers import (
    RoutedObserver,
    RoutedObservers,
    Seen,
)

BILLING = {"lifecycle": "LAUNCHED", "configuration": {"limit": 20}}
SEARCH = {"lifecycle": "PREVIEW", "configuration": {}}


class FixedObserver:
    """An observer whose answer a test decides: a mapping, an exception, or a function."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[list[ScopeToObserve]] = []

    def observe(
        self, scopes: Sequence[ScopeToObserve], *, seconds: float
    ) -> Mapping[str, Mapping[str, Any] | CannotObserve]:
        self.asked.append(list(scopes))
        answer = self.answer(seconds) if callable(self.answer) else self.answer
        if isinstance(answer, BaseException) and not isinstance(answer, CannotObserve):
            raise answer
        result: Mapping[str, Mapping[str, Any] | CannotObserve] = answer
        return result


def routed_observer(
    factory: ObserverFactory | None, secrets: Path | None = None, **options: Any
) -> RoutedObserver:
    """Make the observer of a route with these options, and a folder of secrets."""
    route = Route(handler="client", observer="tested", observer_options=options, path="route[0]")
    return RoutedObserver(route, factory, SecretFiles(secrets))


def fixed_observer(answer: Any, secrets: Path | None = None, **options: Any) -> RoutedObserver:
    """Return an observer that gives an answer."""
    return routed_observer(factory_of(FixedObserver(answer)), secrets, **options)


def factory_of(observer: Observer) -> ObserverFactory:
    """Return a factory that makes this observer."""

    def make(options: OptionTable, secrets: SecretFiles) -> Observer:
        return observer

    return make


def observers_by_scope(secrets: Path | None = None, **by_scope: Observer) -> RoutedObservers:
    """Return the observers of a site where each of these scopes has one of its own."""
    routes = tuple(
        Route(handler="client", scopes=(scope,), observer=f"of {scope}", path=f"route[{index}]")
        for index, scope in enumerate(by_scope)
    )
    factories = {f"of {scope}": factory_of(observer) for scope, observer in by_scope.items()}
    return RoutedObservers(Routes(routes), factories, SecretFiles(secrets))


def seen_by(observer: RoutedObserver, *scopes: str | ScopeToObserve, seconds: float = 5) -> Any:
    """Return what an observer sees of one scope, or of several by their names."""
    wanted = [ScopeToObserve(one) if isinstance(one, str) else one for one in scopes]
    seen: dict[str, Seen] = observer.observe(wanted, seconds=seconds)
    return seen if len(wanted) > 1 else seen[wanted[0].scope]
