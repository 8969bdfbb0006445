"""Django's PostgreSQL backend, over a server that it starts on the first connection."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import Any

import psycopg
from django.db.backends.postgresql import base as postgresql
from psycopg import sql

from govsite.embedded.server import bring_back, start_server

SUPERUSER = "postgres"
DATABASE_NAME = "govsite"


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """Reads the server's data folder from `HOST`; makes the database `govsite` if it is missing."""

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        socket_dir = start_server(Path(self.settings_dict["HOST"]))
        params.update(host=socket_dir, port=5432, user=SUPERUSER)
        if params.get("dbname") == DATABASE_NAME:
            ensure_database(socket_dir, DATABASE_NAME)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """As Django makes one, but where the server was killed since, it is started again."""
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            if not bring_back(Path(self.settings_dict["HOST"])):
                raise
        return super().get_new_connection(conn_params)


@functools.cache
def ensure_database(socket_dir: str, name: str) -> None:
    """Make the database `name` on the server behind `socket_dir`, unless it is there."""
    with psycopg.connect(
        host=socket_dir, port=5432, user=SUPERUSER, dbname=SUPERUSER, autocommit=True
    ) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if known.fetchone() is None:
            another_was_first = psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation
            with contextlib.suppress(*another_was_first):
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
