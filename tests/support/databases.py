"""Test databases: clones of one migrated template, on the real PostgreSQL.

The laws refuse TRUNCATE, so nothing here ever flushes: a test runs in a transaction that is rolled
back, or on a clone of its own that is dropped.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from governance.db.grants import database_statement
from tests.support.roles import app_role, use_app_role

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "govsite_template_"
BUILDING = 7_301_842  # the advisory lock under which one process builds the template


def ensure_template() -> str:
    """The name of a migrated database for this state of migrations and laws; built once.

    From then on the application's connections act under its role.
    """
    use_app_role()
    name = PREFIX + _fingerprint()
    with server() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [BUILDING])
        try:
            _hurry(cursor)
            cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [PREFIX + "%"])
            known = {row[0] for row in cursor.fetchall()}
            if name not in known:
                draft = f"{PREFIX}draft_{os.getpid()}"
                cursor.execute(f'DROP DATABASE IF EXISTS "{draft}" WITH (FORCE)')
                cursor.execute(f'CREATE DATABASE "{draft}"')
                with pointed_at(draft):
                    call_command("migrate", verbosity=0)
                cursor.execute(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')
                for old in known:
                    cursor.execute(f'DROP DATABASE IF EXISTS "{old}" WITH (FORCE)')
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [BUILDING])
    return name


@contextmanager
def cloned(template: str) -> Iterator[str]:
    """A database of one's own, and Django pointed at it; dropped afterwards."""
    name = f"test_govsite_{os.getpid()}_{uuid4().hex[:8]}"
    with server() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        if role := app_role():
            cursor.execute(database_statement(role=role, database=name))
    try:
        with pointed_at(name):
            yield name
    finally:
        with server() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def pointed_at(name: str) -> Iterator[None]:
    """Django's connections, in every thread, go to the database `name`."""
    usual = {alias: connections[alias].settings_dict["NAME"] for alias in connections}
    connections.close_all()
    for alias in connections:
        connections[alias].settings_dict["NAME"] = name
    try:
        yield
    finally:
        connections.close_all()
        for alias in connections:
            connections[alias].settings_dict["NAME"] = usual[alias]


@contextmanager
def server() -> Iterator[Any]:
    """The owner's cursor, in autocommit, on the server's maintenance database."""
    with connections["owner"]._nodb_cursor() as cursor:
        yield cursor


def _hurry(cursor: Any) -> None:
    """Let the suite's own server skip waiting for the disk; a crash of it loses nothing of worth.

    A server that somebody gave us by DATABASE_URL is not ours to tune.
    """
    if settings.IS_EMBEDDED:
        cursor.execute("ALTER SYSTEM SET fsync = off")
        cursor.execute("ALTER SYSTEM SET full_page_writes = off")
        cursor.execute("SELECT pg_reload_conf()")


def _fingerprint() -> str:
    """Changes with whatever a migration could make of it."""
    patterns = (
        "governance/models/migrations/*.py",
        "governance/models/sql/**/*",
        "governance/db/grants.py",
        "governance/domain/roles.py",
        "govsite/apps.py",
        "requirements.txt",
    )
    sources = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    state = hashlib.sha256()
    for path in sources:
        if path.is_file():
            state.update(path.name.encode() + path.read_bytes())
    return state.hexdigest()[:16]
