"""What surrounds each observer: answers are checked, secrets are hidden, errors become words."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest

from governance.authorities.executor.routes import Route, Routes
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import StepRefused
from governance.authorities.health.observers.observer import CannotObserve, ScopeToObserve
from governance.authorities.health.observers.routed_observers import RoutedObservers
from governance.domain.secrets import HIDDEN_SECRET
from tests.support.observing import (
    BILLING,
    FixedObserver,
    factory_of,
    fixed_observer,
    routed_observer,
    seen_by,
)
from tests.support.steps import write_secret


def seen_of(state: Any, scope: str = "BILLING") -> Any:
    """Return what is seen of a scope whose observer answers this."""
    return seen_by(fixed_observer({scope: state}), scope)


# --- the state ---
@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"configuration": {}}, "has no 'lifecycle'"),
        ({"lifecycle": "LAUNCHED"}, "has no 'configuration'"),
        (BILLING | {"limit": 20}, "has an unknown field 'limit'"),
        (BILLING | {"lifecycle": "ON"}, "lifecycle is not one of DISABLED"),
        (BILLING | {"lifecycle": None}, "lifecycle is not one of DISABLED"),
        (BILLING | {"lifecycle": ["LAUNCHED"]}, "lifecycle is not one of DISABLED"),
        (BILLING | {"configuration": []}, "configuration is not an object"),
        (BILLING | {"configuration": {"a": "\x00"}}, "cannot be recorded"),
        (BILLING | {"configuration": {"a": float("nan")}}, "cannot be recorded"),
        (BILLING | {"configuration": {1: 2}}, "cannot be recorded"),
        (BILLING | {"configuration": {"a": "x" * 262_144}}, "larger than 256 KiB"),
        ("LAUNCHED", "is not an object"),
        (CannotObserve("the platform is asleep"), "the platform is asleep"),
        (CannotObserve(" "), "The observer gave no reason."),
    ],
)
def test_state__that_is_none__is_trouble(state: Any, words: str) -> None:
    seen = seen_of(state)
    assert isinstance(seen, str)
    assert words in seen


def test_state__with_null__has_no_such_key() -> None:
    state = {"lifecycle": "LAUNCHED", "configuration": {"limit": 20, "gone": None, "off": False}}
    assert seen_of(state) == BILLING | {"configuration": {"limit": 20, "off": False}}


def test_state__of_system__has_no_lifecycle() -> None:
    assert seen_of({"configuration": {"region": "eu"}}, "SYSTEM") == {
        "configuration": {"region": "eu"}
    }
    assert "unknown field 'lifecycle'" in seen_of(BILLING, "SYSTEM")


# --- what an observer raises ---
class BrokenError(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (StepRefused("no such branch"), "no such branch"),
        (KeyError("limit"), "KeyError: 'limit'"),
        (BrokenError(), "BrokenError: its message cannot be read"),
        (SystemExit(3), "SystemExit: 3"),
        (OSError("a\x00b" + "x" * 2000), "OSError: a\ufffdbxxx"),
        (None, "The observer returned no mapping."),
        ({}, "The answer leaves this scope out."),
    ],
)
def test_observer__without_an_answer__is_trouble_in_its_words(answer: Any, words: str) -> None:
    seen = seen_by(fixed_observer(answer), "BILLING")
    assert seen.startswith(words)
    assert len(seen) <= 1000


def test_observer__that_cannot_be_made__has_an_obstacle_and_is_not_asked() -> None:
    def broken(options: Any, secrets: Any) -> Any:
        raise ZeroDivisionError("oops")

    assert routed_observer(broken).obstacle == "ZeroDivisionError: oops"
    assert routed_observer(None).obstacle == "tested is not installed on this machine"
    unread = fixed_observer({}, url="https://platform.example/")
    assert unread.obstacle.startswith("route[0].observer_options.url: is not a known field")
    assert seen_by(unread, "BILLING") == unread.obstacle
    assert not unread.reads_own_database


# --- secrets ---
@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    write_secret(tmp_path, "db", "s3cret")
    write_secret(tmp_path, "key", "k" * 32)
    return tmp_path


def seen_values(
    values: dict[str, Any], secrets: Path, *, recorded: dict[str, Any] | None = None, **options: str
) -> Any:
    """Return the configuration that is seen, or the trouble."""
    observer = fixed_observer(
        {"BILLING": {"lifecycle": "LAUNCHED", "configuration": values}}, secrets, **options
    )
    seen = seen_by(observer, ScopeToObserve("BILLING", ["dsn"], recorded or {}))
    return seen if isinstance(seen, str) else seen["configuration"]


def mac(text: str) -> str:
    digest = hmac.new(b"k" * 32, text.encode(), hashlib.sha256)
    return f"hmac-sha256:{digest.hexdigest()}"


@pytest.mark.parametrize("key", ["password", "dsn"], ids=["by its words", "by the registry"])
def test_secret__that_the_registry_names__is_its_reference(secrets: Path, key: str) -> None:
    seen = seen_values({key: "s3cret"}, secrets, recorded={key: "secret://db"})
    assert seen == {key: "secret://db"}


def test_secret__other_than_the_recorded_one__is_an_hmac(secrets: Path) -> None:
    seen = seen_values(
        {"password": "other", "dsn": "free", "token": "s3cret", "limit": 20},
        secrets,
        recorded={"password": "secret://db", "limit": 30},
        hmac_key="secret://key",
    )
    assert seen == {
        "password": mac('"other"'),
        "dsn": mac('"free"'),
        "token": mac('"s3cret"'),  # nothing says that the registry means this secret here
        "limit": 20,
    }


def test_secret__without_a_key_for_the_hmac__is_hidden_and_differs(secrets: Path) -> None:
    seen = seen_values({"password": "other", "dsn": 5}, secrets, recorded={"dsn": "secret://db"})
    assert seen == {"password": HIDDEN_SECRET, "dsn": HIDDEN_SECRET}


def test_secret__that_is_a_reference_already__stays_as_it_is(secrets: Path) -> None:
    values = {"password": "secret://other", "auth": {"token": None}}
    assert seen_values(values, secrets) == values


def test_secrets__below_other_keys__are_hidden(secrets: Path) -> None:
    seen = seen_values(
        {"auth": {"users": [{"password": "s3cret"}, {"password": "x"}]}, "dsn": ["s3cret", "y"]},
        secrets,
        recorded={"auth": {"users": [{"password": "secret://db"}]}, "dsn": ["secret://db"]},
    )
    assert seen == {
        "auth": {"users": [{"password": "secret://db"}, {"password": HIDDEN_SECRET}]},
        "dsn": ["secret://db", HIDDEN_SECRET],
    }


def test_secret__that_cannot_be_read_here__leaves_the_scope_unobserved(secrets: Path) -> None:
    seen = seen_values({"password": "s3cret"}, secrets, recorded={"password": "secret://absent"})
    assert seen.startswith("Its secret cannot be compared. secret://absent: cannot be read")
    assert "s3cret" not in seen


# --- the observers of a scope ---
def route(path: int, observer: str = "http", **fields: Any) -> Route:
    return Route(handler="client", observer=observer, path=f"route[{path}]", **fields)


def made(*routes: Route) -> RoutedObservers:
    factories = {name: factory_of(FixedObserver({})) for name in ("http", "git")}
    return RoutedObservers(Routes(routes), factories, SecretFiles(None))


def test_scope__of_several_routes__has_each_of_their_observers_once() -> None:
    observers = made(
        route(0, scopes=("BILLING",), change_types=("capability_enable",)),
        route(1, scopes=("BILLING",), change_types=("capability_disable",)),
        route(2, "git", scopes=("BILLING",), change_types=("parameter_change",)),
        route(3, "", scopes=("BILLING",)),
        route(4, "git"),
    )
    assert [name for name, _ in observers.observers_of("BILLING")] == ["http", "git"]
    assert [name for name, _ in observers.observers_of("OTHER")] == ["git"]
    assert len(observers.observers) == 2
    assert made().observers_of("BILLING") == []


def test_route__has_the_obstacle_of_its_observer() -> None:
    routes = (route(0, "vault", scopes=("A",)), route(1, "", scopes=("B",)), route(2, "git"))
    observers = made(*routes)
    assert [observers.obstacle_of(one) for one in routes] == [
        "vault is not installed on this machine",
        "",
        "",
    ]
