"""The Django backend for PostgreSQL, which checks a kept connection without a round trip.

Django and psycopg's pool would send a query before each reuse. But a server that ends a session
sends a message, and a killed server closes the connection: either way the socket has something to
read. So a query is sent only if the socket is not quiet.
"""

from __future__ import annotations

import select
from typing import Any
from weakref import WeakSet

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base
from psycopg.pq import ConnStatus, TransactionStatus
from psycopg_pool import ConnectionPool


def is_quiet(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> bool:
    """Tell whether the server has sent nothing since its last response."""
    ours = connection.pgconn
    if ours.status != ConnStatus.OK or ours.transaction_status != TransactionStatus.IDLE:
        return False
    waiting = select.poll()
    waiting.register(ours.socket, select.POLLIN)  # poll always reports errors and a hang-up
    return not waiting.poll(0)


# The connections that `require_schema` accepted; a pool hands each of them out many times.
_accepted: WeakSet[psycopg.Connection[Any]] = WeakSet()


def require_schema(connection: psycopg.Connection[Any]) -> None:
    """Refuse a connection whose current schema is not GOVSITE_SCHEMA.

    A pooler that drops start-up options would otherwise lead to another schema unnoticed. Without
    any current schema, GOVSITE_SCHEMA does not exist yet, and no table is found at all.

    Raises:
        ImproperlyConfigured: if names are looked up in another schema.
    """
    schema = settings.GOVSITE_SCHEMA
    if connection.info.parameter_status("search_path") == schema:  # reported since PostgreSQL 18
        return
    [first] = connection.execute("SELECT current_schema()").fetchone() or [None]
    if first not in {None, schema}:
        raise ImproperlyConfigured(
            f"Names are looked up in the schema {first}, not in {schema} (GOVSITE_SCHEMA), because "
            "a pooler drops the start-up options of the connection. Run ALTER ROLE … SET "
            f"search_path = {schema}; see docs/settings.md."
        )


class DatabaseWrapper(base.DatabaseWrapper):
    """A backend that reuses a quiet connection at once, and sends a query on any other.

    A server that stopped answering is quiet too; `govsite/connections.py` detects it at the first
    statement.
    """

    def is_usable(self) -> bool:
        if self.connection is None:
            return False
        return is_quiet(self.connection) or bool(super().is_usable())

    def init_connection_state(self) -> None:
        """Set a connection up as Django does, and check the schema of a new one."""
        super().init_connection_state()
        if self.connection not in _accepted:
            try:
                require_schema(self.connection)
            except ImproperlyConfigured:
                self.close()
                raise
            _accepted.add(self.connection)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        while self.pool and not (is_quiet(connection) or _answers(connection)):
            connection.close()
            self.pool.putconn(connection)  # the pool replaces a closed connection
            connection = super().get_new_connection(conn_params)
        return connection


def _answers(connection: psycopg.Connection[Any]) -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True
