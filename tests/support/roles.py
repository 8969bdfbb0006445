"""Who a test is in the database: the application's role, unless it says that it is the owner.

The suite's sessions belong to the owner, who has put on the application's role. So all that the
product does is done under the grants, and an attack can take the role off within the same
transaction. What the role itself can do is attacked over connections of its own (`app_session`).
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

# On a server that somebody gave us the role is the suite's own.
SUITE_ROLE = "govsite_suite_app"
_MAKING = 7_301_843


def app_role() -> str:
    """The application's role here; empty where the server does not let us make one."""
    role: str = connection.settings_dict["OPTIONS"].get("assume_role", "")
    return role


def require_app_role() -> str:
    """The application's role, or the test is skipped."""
    if not (role := app_role()):
        pytest.skip("this PostgreSQL does not let us make the application's role: CREATEROLE")
    return role


def use_app_role() -> None:
    """From now on, every connection of the application's acts under its role, in every thread."""
    if app_role():
        return
    role = APP_ROLE if settings.IS_EMBEDDED else _make_role()
    connections.close_all()
    connection.settings_dict["OPTIONS"]["assume_role"] = role


@contextmanager
def as_owner() -> Iterator[None]:
    """What happens inside is done by the owner of the tables, in the same transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (role,) = cursor.fetchone()
        cursor.execute("RESET ROLE")
        try:
            yield
        finally:
            # A transaction that was refused takes it back by itself, as it is rolled back.
            with suppress(DatabaseError, InterfaceError):
                cursor.execute(f'SET ROLE "{role}"')


@contextmanager
def app_session(**changes: Any) -> Iterator[psycopg.Connection[Any]]:
    """A session that is the application's role and nobody else, in autocommit, on this database."""
    require_app_role()
    params = connection.get_connection_params() | {"user": app_role(), "password": _password()}
    with psycopg.connect(**(params | {"autocommit": True} | changes)) as session:
        yield session


@contextmanager
def only_app_role() -> Iterator[None]:
    """Django's own connections are the role's sessions: there is no owner underneath to go back to.

    Every thread's, so only for tests with the `committed` fixture.
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
    """The same in every worker; the embedded server asks for none."""
    return salted_hmac("tests.support.roles", SUITE_ROLE).hexdigest()


def _make_role() -> str:
    """The suite's own role, made if it is missing; empty if that is not for us to do."""
    with connections["owner"]._nodb_cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = user")
        if not cursor.fetchone()[0]:
            return ""
        # Until the cursor is closed: many workers come here at once.
        cursor.execute("SELECT pg_advisory_lock(%s)", [_MAKING])
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [SUITE_ROLE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {SUITE_ROLE} LOGIN NOINHERIT")
            cursor.execute(f"GRANT {SUITE_ROLE} TO CURRENT_USER")
        cursor.execute(f"ALTER ROLE {SUITE_ROLE} PASSWORD '{_password()}'")
    return SUITE_ROLE
