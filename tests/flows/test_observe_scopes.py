"""The observation of scopes: at once, within a limit of time, and of the registry itself."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from governance.authorities.executor.routes import read_routes
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.health.observers import observe_scopes as observation
from governance.authorities.health.observers.observe_scopes import observe_scopes
from governance.authorities.health.observers.registry import make_registry_observer
from governance.authorities.health.observers.routed_observers import RoutedObservers
from governance.db.clock import database_now
from governance.models import Account
from governance.services.registry.operations import register_capabilities
from tests.support.observing import BILLING, SEARCH, FixedObserver, observers_by_scope
from tests.support.steps import write_secret
from tests.support.users import Users

REGISTRY = '[[route]]\nscopes = "*"\nchange_types = "*"\nhandler = "registry"\n'
SECONDS = 0.6


@pytest.fixture
def registered(users: Users) -> None:
    register_capabilities(
        documents=[
            {
                "name": "BILLING",
                "lifecycle": "LAUNCHED",
                "configuration": {"limit": 20, "dsn": "secret://db", "password": "secret://db"},
                "secret_keys": ["dsn"],
            }
        ]
    )


def registry_observers() -> RoutedObservers:
    return RoutedObservers(
        read_routes(REGISTRY), {"registry": make_registry_observer}, SecretFiles(None)
    )


def observed(observers: RoutedObservers, *scopes: str, seconds: float = SECONDS) -> Any:
    """Return by scope the state that was seen, or the trouble."""
    found = observe_scopes(observers, scopes, now=database_now(), seconds=seconds)
    return {one.scope: one.trouble or one.state for one in found}


# --- the registry ---
def test_registry__of_all_scopes__is_read_by_one_query_and_no_thread(
    registered: None, django_assert_num_queries: Any
) -> None:
    now, threads = database_now(), threading.active_count()
    with django_assert_num_queries(1):
        found = observe_scopes(registry_observers(), ["SYSTEM", "BILLING", "ABSENT"], now=now)
    assert threading.active_count() == threads
    assert [one.as_record()["state"] for one in found] == [
        {"lifecycle": "DISABLED", "configuration": {}},
        {
            "lifecycle": "LAUNCHED",
            "configuration": {"limit": 20, "dsn": "secret://db", "password": "secret://db"},
        },
        {"configuration": {}},
    ]
    assert {one.observed_at for one in found} == {now}
    assert {one.observer for one in found} == {"registry"}


def test_registry__of_a_database_that_does_not_answer__is_no_trouble_of_the_platform(
    registered: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("governance.authorities.health.observers.registry.recorded_states", fail)
    with pytest.raises(OperationalError):
        observed(registry_observers(), "BILLING")


# --- several observers ---
def test_scopes__of_several_observers__are_observed_at_the_same_time(users: Users) -> None:
    together = threading.Barrier(2)

    def answer(seconds: float) -> Any:
        together.wait(5)
        return {"BILLING": BILLING, "SEARCH": SEARCH}

    seen = observed(
        observers_by_scope(BILLING=FixedObserver(answer), SEARCH=FixedObserver(answer)),
        *("SEARCH", "BILLING", "SEARCH", "ABSENT"),
        seconds=10,
    )
    assert seen == {"BILLING": BILLING, "SEARCH": SEARCH}


def test_observer__that_hangs__is_given_up_and_the_others_count(users: Users) -> None:
    release = threading.Event()

    def hang(seconds: float) -> Any:
        release.wait(20)
        return {"SEARCH": SEARCH}

    observers = observers_by_scope(
        BILLING=FixedObserver({"BILLING": BILLING}), SEARCH=FixedObserver(hang)
    )
    began = time.monotonic()
    seen = observed(observers, "BILLING", "SEARCH")
    assert time.monotonic() - began < SECONDS + 1
    assert seen == {"BILLING": BILLING, "SEARCH": "The observer did not answer within 0.6 s."}
    release.set()


def test_observer__that_always_hangs__is_not_asked_without_end(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observation, "MAX_LATE_THREADS", 2)
    release = threading.Event()
    hanging = FixedObserver(lambda seconds: release.wait(20))
    observers = observers_by_scope(BILLING=hanging)
    for _ in range(3):
        seen = observed(observers, "BILLING", seconds=0.05)
    assert seen["BILLING"] == "The observer was not asked: 2 earlier calls still wait."
    assert len(hanging.asked) == 2
    release.set()
    [(_, routed)] = observers.observers_of("BILLING")
    for thread in routed.late_threads:
        thread.join(5)
    hanging.answer = {"BILLING": BILLING}
    assert observed(observers, "BILLING", seconds=5) == {"BILLING": BILLING}


def test_observer__gets_less_time_than_there_is_to_say_itself_what_did_not_answer(
    users: Users,
) -> None:
    given: list[float] = []
    observed(observers_by_scope(BILLING=FixedObserver(given.append)), "BILLING", seconds=5)
    assert given == [4.5]


def test_observer__that_uses_the_database__leaves_no_connection(users: Users) -> None:
    used: list[Any] = []

    def answer(seconds: float) -> Any:
        Account.objects.count()
        used.append(connection.connection)
        return {"BILLING": BILLING}

    assert observed(observers_by_scope(BILLING=FixedObserver(answer)), "BILLING", seconds=5) == {
        "BILLING": BILLING
    }
    assert used[0].closed


def test_observer__gets_the_secrets_of_a_scope_from_the_registry(
    registered: None, tmp_path: Path
) -> None:
    write_secret(tmp_path, "db", "s3cret")
    state = {
        "lifecycle": "LAUNCHED",
        "configuration": {"dsn": "s3cret", "password": "s3cret", "limit": 20},
    }
    observer = FixedObserver({"BILLING": state})
    seen = observed(observers_by_scope(tmp_path, BILLING=observer), "BILLING", seconds=5)
    assert seen["BILLING"]["configuration"] == {
        "dsn": "secret://db",
        "password": "secret://db",
        "limit": 20,
    }
    [[asked]] = observer.asked
    assert (asked.scope, asked.secret_keys) == ("BILLING", ["dsn"])
