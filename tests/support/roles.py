"""The database roles of the tests: the application's role, and the owner where a test says so.

The sessions of a test log in as the owner and then SET ROLE to the application's role. So the
product runs under the grants, but an attack can become the owner within the same transaction by
RESET ROLE (`as_owner`).
Tests of the role itself use sessions that log in as it (`app_session`, `only_app_role`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections
from django.utils.crypto import salted_hmac

from govsite.embedded import APP_ROLE

# On a server that DATABASE_URL names, the suite makes a role of its own.
SUITE_ROLE = "govsite_suite_app"
_MAKING = 7_301_843


def app_role() -> str:
    """Return the application's role of the suite, or "" if the suite may not create roles."""
    role: str = connection.settings_dict["OPTIONS"].get("assume_role", "")
    return role


def require_app_role() -> str:
    """Return the application's role; skip the test if there is none."""
    if not (role := app_role()):
        pytest.skip("the suite's owner lacks CREATEROLE, so there is no application role")
    return role


def use_app_role() -> None:
    """Make every later default connection, in every thread, SET ROLE to the application's role."""
    if app_role():
        return
    role = APP_ROLE if settings.IS_EMBEDDED else _make_role()
    connections.close_all()
    connection.settings_dict["OPTIONS"]["assume_role"] = role


@contextmanager
def as_owner() -> Iterator[None]:
    """Run the block as the owner of the tables, in the same transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (role,) = cursor.fetchone()
        cursor.execute("RESET ROLE")
        try:
            yield
        finally:
            # In an aborted transaction this fails, and its rollback restores the role.
            with suppress(DatabaseError, InterfaceError):
                cursor.execute(f'SET ROLE "{role}"')


@contextmanager
def app_session(**changes: Any) -> Iterator[psycopg.Connection[Any]]:
    """Open a session that logs in as the application's role, in autocommit, on this database."""
    require_app_role()
    params = connection.get_connection_params() | {"user": app_role(), "password": _password()}
    with psycopg.connect(**(params | {"autocommit": True} | changes)) as session:
        yield session


@contextmanager
def only_app_role() -> Iterator[None]:
    """Make Django's connections log in as the application's role, so that none can RESET ROLE.

    This concerns the connections of all threads, so the test needs the fixture `committed`.
    """
    require_app_role()
    usual = dict(connection.settings_dict)
    connections.close_all()
    options = usual["OPTIONS"] | {"assume_role": ""}
    connection.settings_dict.update(USER=app_role(), PASSWORD=_password(), OPTIONS=options)
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict.update(usual)


def _password() -> str:
    """Return the role's password, the same in all workers; the embedded server needs none."""
    return salted_hmac("tests.support.roles", SUITE_ROLE).hexdigest()


def _make_role() -> str:
    """Create the suite's role if it is missing; return "" if the owner may not create roles."""
    with connections["owner"]._nodb_cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = user")
        if not cursor.fetchone()[0]:
            return ""
        # Several workers run this at once; the lock is held until the cursor is closed.
        cursor.execute("SELECT pg_advisory_lock(%s)", [_MAKING])
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [SUITE_ROLE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {SUITE_ROLE} LOGIN NOINHERIT")
            cursor.execute(f"GRANT {SUITE_ROLE} TO CURRENT_USER")
        cursor.execute(f"ALTER ROLE {SUITE_ROLE} PASSWORD '{_password()}'")
    return SUITE_ROLE
