"""The observation of scopes: all their observers at once, within one limit of time."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import connections

from governance.authorities.health.observers.observer import ScopeToObserve
from governance.authorities.health.observers.routed_observers import (
    RoutedObserver,
    RoutedObservers,
    Seen,
)
from governance.domain.observations import ObservedScope
from governance.services.registry.queries import configuration_of, secret_keys_of

OBSERVE_SECONDS = 5.0
# An observer gets this part of the time, so that it can say itself what did not answer.
SHARE_OF_OBSERVER = 0.9
# While so many threads of an observer hang, it is not asked again.
MAX_LATE_THREADS = 8


def observe_scopes(
    observers: RoutedObservers,
    scopes: Iterable[str],
    *,
    now: datetime,
    seconds: float = OBSERVE_SECONDS,
) -> list[ObservedScope]:
    """Return what each observer of each scope saw; what did not answer has its trouble.

    Args:
        now: PostgreSQL's present time, which all observations get: no state is older.

    Raises:
        OperationalError: our own database did not answer.
        InterfaceError: likewise.
    """
    wanted: dict[RoutedObserver, list[str]] = {}
    for scope in dict.fromkeys(scopes):
        for _, observer in observers.observers_of(scope):
            wanted.setdefault(observer, []).append(scope)
    seen = _see(wanted, seconds)
    found = [
        _observed(scope, observer, seen[observer][scope], now)
        for observer, its_scopes in wanted.items()
        for scope in its_scopes
    ]
    return sorted(found, key=lambda one: (one.scope, one.observer))


def _see(
    wanted: dict[RoutedObserver, list[str]], seconds: float
) -> dict[RoutedObserver, dict[str, Seen]]:
    ends_at = time.monotonic() + seconds
    outside = [observer for observer in wanted if not observer.reads_own_database]
    asked = _scopes_to_observe({scope for observer in outside for scope in wanted[observer]})
    views = [
        _View(observer, [asked[scope] for scope in wanted[observer]], seconds)
        for observer in outside
    ]
    seen = {
        observer: observer.observe([ScopeToObserve(one) for one in scopes], seconds=seconds)
        for observer, scopes in wanted.items()
        if observer.reads_own_database
    }
    for view in views:
        seen[view.observer] = view.until(ends_at)
    return seen


class _View:
    """What one observer sees, in a thread that is abandoned when the time is over.

    The thread is a daemon, so that an observer that hangs cannot keep the process alive.
    """

    def __init__(
        self, observer: RoutedObserver, scopes: Sequence[ScopeToObserve], seconds: float
    ) -> None:
        self.observer = observer
        self._scopes = scopes
        self._seconds = seconds
        self._seen: dict[str, Seen] | None = None
        self._ended = threading.Event()
        name = f"observer {observer.name}"
        self._thread = threading.Thread(target=self._observe, name=name, daemon=True)
        observer.late_threads = [one for one in observer.late_threads if one.is_alive()]
        if len(observer.late_threads) >= MAX_LATE_THREADS:
            trouble = f"The observer was not asked: {MAX_LATE_THREADS} earlier calls still wait."
            self._seen = {one.scope: trouble for one in scopes}
            self._ended.set()
        else:
            self._thread.start()

    def until(self, ends_at: float) -> dict[str, Seen]:
        """Wait, and return what was seen until then."""
        self._ended.wait(max(0.0, ends_at - time.monotonic()))
        if self._seen is not None:
            return self._seen
        self.observer.late_threads.append(self._thread)
        trouble = f"The observer did not answer within {self._seconds:g} s."
        return {one.scope: trouble for one in self._scopes}

    def _observe(self) -> None:
        try:
            seconds = self._seconds * SHARE_OF_OBSERVER
            self._seen = self.observer.observe(self._scopes, seconds=seconds)
        finally:
            # Nobody else can close the connections that an observer opened in this thread.
            connections.close_all()
            self._ended.set()


def _scopes_to_observe(scopes: Collection[str]) -> dict[str, ScopeToObserve]:
    """Return scopes with what the registry says about their secrets; at most two queries."""
    if not scopes:
        return {}
    keys = secret_keys_of(scopes)
    recorded: dict[str, dict[str, object]] = {scope: {} for scope in scopes}
    for (scope, key), value in configuration_of(scopes).items():
        recorded[scope][key] = value
    return {one: ScopeToObserve(one, keys.get(one, ()), recorded[one]) for one in scopes}


def _observed(scope: str, observer: RoutedObserver, seen: Seen, now: datetime) -> ObservedScope:
    if isinstance(seen, str):
        return ObservedScope(scope, observer.name, None, now, seen)
    return ObservedScope(scope, observer.name, seen, now)
