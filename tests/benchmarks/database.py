"""A PostgreSQL for the benchmark only, because that of the tests runs without fsync."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from govsite.embedded import APP_ROLE, OWNER
from govsite.embedded.server import start_server

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "bench_"
# Rare checkpoints, because a checkpoint within a round would slow only one of the two sides.
TUNING = {"fsync": "on", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}


@contextmanager
def bench_database() -> Iterator[str]:
    """Create an empty database, set the environment to it, and drop it after the block.

    This must be entered before Django is set up. The database of the previous DATABASE_URL is not
    touched.
    """
    folder = Path(os.environ.get("GOVSITE_DATA_DIR") or ROOT / "var").expanduser().resolve()
    address = start_server(folder / "bench-pg")
    name = f"{PREFIX}{os.getpid()}"
    with psycopg.connect(_url(address, "postgres", OWNER), autocommit=True) as server:
        for setting, value in TUNING.items():
            server.execute(f"ALTER SYSTEM SET {setting} = '{value}'")
        server.execute("SELECT pg_reload_conf()")
        for (left,) in server.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND NOT EXISTS"
            " (SELECT FROM pg_stat_activity WHERE pg_stat_activity.datname = pg_database.datname)",
            [PREFIX],
        ).fetchall():
            server.execute(f'DROP DATABASE IF EXISTS "{left}"')
        if not server.execute("SELECT FROM pg_roles WHERE rolname = %s", [APP_ROLE]).rowcount:
            server.execute(f'CREATE ROLE "{APP_ROLE}" LOGIN NOINHERIT')
        server.execute(f'CREATE DATABASE "{name}"')
        os.environ["DATABASE_URL"] = _url(address, name, APP_ROLE)
        os.environ["GOVSITE_OWNER_DATABASE_URL"] = _url(address, name, OWNER)
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.settings"
        try:
            yield name
        finally:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def another_database(name: str) -> Iterator[str]:
    """Create another empty database, and drop it after the block; return its URL for the owner."""
    ours = os.environ["GOVSITE_OWNER_DATABASE_URL"]
    database = f"{PREFIX}{os.getpid()}_{name}"
    with psycopg.connect(ours, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{database}"')
        try:
            yield ours.replace(f"/{PREFIX}{os.getpid()}?", f"/{database}?")
        finally:
            server.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


def owner_session() -> psycopg.Connection[tuple[Any, ...]]:
    """Return a session of the tables' owner in autocommit, which prepares every statement."""
    return psycopg.connect(
        os.environ["GOVSITE_OWNER_DATABASE_URL"],
        autocommit=True,
        prepare_threshold=0,
        options="-c timezone=UTC",
    )


def _url(address: str, database: str, role: str) -> str:
    return f"postgresql://{role}@/{database}?host={quote(address, safe='/')}"
