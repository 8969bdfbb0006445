"""The Django backend that starts the embedded PostgreSQL on the first connection."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from govsite.embedded import APP_ROLE, OWNER
from govsite.embedded.server import restart_if_killed, start_server
from govsite.postgresql import base as postgresql

DATABASE_NAME = "govsite"

# The role has no rights on tables yet; `migrate` grants them.
_MAKE_ROLE: LiteralString = """
    CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT
"""
_MADE_BY_ANOTHER = (
    psycopg.errors.DuplicateDatabase,
    psycopg.errors.DuplicateObject,
    psycopg.errors.UniqueViolation,
)


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """The embedded server's backend; `HOST` is its data folder.

    It creates the database and the application's role if they are missing.
    """

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        socket_dir = start_server(Path(self.settings_dict["HOST"]))
        params.update(host=socket_dir, port=5432)
        ensure_role(socket_dir, APP_ROLE)
        if params.get("dbname") == DATABASE_NAME:
            ensure_database(socket_dir, DATABASE_NAME)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Make a connection as Django does; if the server was killed, start it again and say so."""
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            if not restart_if_killed(Path(self.settings_dict["HOST"])):
                raise
        return super().get_new_connection(conn_params)


@functools.cache
def ensure_role(socket_dir: str, name: str) -> None:
    """Create the role of the application, if it does not exist."""
    _create_if_missing(socket_dir, name, "SELECT FROM pg_roles WHERE rolname = %s", _MAKE_ROLE)


@functools.cache
def ensure_database(socket_dir: str, name: str) -> None:
    """Create the database `name` on the server behind `socket_dir`, if it does not exist."""
    known = "SELECT FROM pg_database WHERE datname = %s"
    _create_if_missing(socket_dir, name, known, "CREATE DATABASE {}")


def _create_if_missing(
    socket_dir: str, name: str, known: LiteralString, create: LiteralString
) -> None:
    with psycopg.connect(
        host=socket_dir, port=5432, user=OWNER, dbname=OWNER, autocommit=True
    ) as connection:
        if connection.execute(known, [name]).fetchone() is None:
            with contextlib.suppress(*_MADE_BY_ANOTHER):
                connection.execute(sql.SQL(create).format(sql.Identifier(name)))
