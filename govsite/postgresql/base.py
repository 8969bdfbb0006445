"""Django's PostgreSQL backend; a connection that was kept is looked at before it is used again.

Django, and psycopg's pool, would ask the server each time whether it is still there: a round trip
more for every request. A server that ends a session says so, and one that is killed hangs up: both
stand in our end of the socket already. Only where something does, the server is asked.
"""

from __future__ import annotations

import select
from typing import Any

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base
from psycopg.pq import ConnStatus, TransactionStatus
from psycopg_pool import ConnectionPool


def is_quiet(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server has said nothing since it last answered, not even goodbye."""
    ours = connection.pgconn
    if ours.status != ConnStatus.OK or ours.transaction_status != TransactionStatus.IDLE:
        return False
    waiting = select.poll()
    waiting.register(ours.socket, select.POLLIN)  # hanging up and errors are told unasked
    return not waiting.poll(0)


def require_schema(connection: psycopg.Connection[Any]) -> bool:
    """Refuse a new connection on which another schema than ours comes first; whether it was asked.

    A pooler that drops start-up options would lead us there unnoticed. Where no schema comes first,
    ours is not there yet, and nothing else is found either.

    Raises:
        ImproperlyConfigured: Names are looked up in another schema than GOVSITE_SCHEMA.
    """
    schema = settings.GOVSITE_SCHEMA
    if connection.info.parameter_status("search_path") == schema:  # told by PostgreSQL 18
        return False
    [first] = connection.execute("SELECT current_schema()").fetchone() or [None]
    if first not in {None, schema}:
        raise ImproperlyConfigured(
            f"Names are looked up in the schema {first}, not in {schema} (GOVSITE_SCHEMA): our "
            f"start-up options are dropped. ALTER ROLE … SET search_path = {schema}; "
            "see docs/settings.md."
        )
    return True


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes a kept or pooled connection that is quiet for a good one, and asks any other.

    What nobody can see there, a server that fell silent, shows at the first statement:
    `govsite/connections.py`.
    """

    def is_usable(self) -> bool:
        if self.connection is None:
            return False
        return is_quiet(self.connection) or bool(super().is_usable())

    def _configure_connection(self, connection: psycopg.Connection[Any]) -> bool:
        """Set a new connection up as Django does; it may look names up in our schema alone."""
        must_commit = bool(super()._configure_connection(connection))  # type: ignore[misc]
        return require_schema(connection) or must_commit

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        while self.pool and not (is_quiet(connection) or _answers(connection)):
            connection.close()
            self.pool.putconn(connection)  # which makes another instead
            connection = super().get_new_connection(conn_params)
        return connection


def _answers(connection: psycopg.Connection[Any]) -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True
