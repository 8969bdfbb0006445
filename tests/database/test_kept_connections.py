"""Persistent connections: checked between requests without a query; closed ones are replaced."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from govsite.databases import POOL_OPTIONS
from govsite.postgresql.base import is_quiet
from tests.support.databases import server
from tests.support.sites import client_of, running_site
from tests.support.users import Users

KINDS = ("kept", "pooled")
PATIENCE_SECONDS = 10


@pytest.fixture(params=KINDS)
def ours(request: pytest.FixtureRequest, committed: Users) -> Iterator[BaseDatabaseWrapper]:
    """Yield a new connection to the test's database, configured as in a web process."""
    wrapper = connection.copy()
    settings = wrapper.settings_dict
    settings |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    if request.param == "pooled":
        settings |= {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}
        # No `assume_role`: Django cannot set a role on a pool of one connection.
        settings["OPTIONS"] |= {"pool": POOL_OPTIONS | {"max_size": 1}, "assume_role": None}
    yield wrapper
    wrapper.close()
    if request.param == "pooled":
        wrapper.close_pool()


def next_request(wrapper: BaseDatabaseWrapper) -> None:
    """Close an unusable connection, as Django does between two requests."""
    wrapper.close_if_unusable_or_obsolete()


def session_of(wrapper: BaseDatabaseWrapper) -> int:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (session,) = cursor.fetchone()
    return int(session)


def asked_last(session: int) -> str:
    """Return the last statement of a session; "" if the session has ended."""
    with server() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [session])
        found = cursor.fetchone()
    return str(found[0]) if found else ""


def test_connection__of_the_request_before__is_taken_without_a_question(
    ours: BaseDatabaseWrapper,
) -> None:
    session = session_of(ours)
    next_request(ours)
    ours.ensure_connection()
    ours.close_if_health_check_failed()
    assert asked_last(session) == "SELECT pg_backend_pid()"
    assert session_of(ours) == session


def test_connection__that_the_server_ended_meanwhile__is_replaced_before_it_is_used(
    ours: BaseDatabaseWrapper,
) -> None:
    session = session_of(ours)
    next_request(ours)
    with server() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [session])  # waits up to 5 s
    assert session_of(ours) != session


def test_connection__with_something_unread__is_asked_and_kept(ours: BaseDatabaseWrapper) -> None:
    with ours.cursor() as cursor:
        cursor.execute("LISTEN news")
    session, raw = session_of(ours), ours.connection
    next_request(ours)
    with connection.cursor() as cursor:
        cursor.execute("NOTIFY news")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while is_quiet(raw):
        assert time.monotonic() < deadline, "Nothing was heard."
        time.sleep(0.01)
    ours.ensure_connection()
    ours.close_if_health_check_failed()
    assert asked_last(session) in ("SELECT 1", "")
    assert session_of(ours) == session


@pytest.mark.parametrize("pool", ["0", "4"])
def test_site__asked_again_and_again__opens_no_more_sessions(
    committed: Users, pool: str, sessions_of: Callable[[], int]
) -> None:
    with (
        running_site(
            {"GUNICORN_CMD_ARGS": "--workers=1 --threads=1", "GOVSITE_DB_POOL_SIZE": pool}
        ) as site,
        client_of(site, committed.viewer) as client,
    ):
        ask = lambda: client.get("contracts/").raise_for_status()  # noqa: E731
        for _ in range(6):
            ask()
        before = sessions_of()
        for _ in range(30):
            ask()
        assert sessions_of() == before


@pytest.fixture
def sessions_of() -> Callable[[], int]:
    """Return a counter of the sessions ever opened on this test's database."""

    def count() -> int:
        with server() as cursor:
            cursor.execute(
                "SELECT sessions FROM pg_stat_database WHERE datname = %s",
                [connection.settings_dict["NAME"]],
            )
            (number,) = cursor.fetchone()
        return int(number)

    return count
