"""Test databases: clones of one migrated template, on a real PostgreSQL.

Triggers refuse TRUNCATE, so the suite cannot flush a database. A test runs in a transaction that is
rolled back, or on a clone of its own that is dropped.
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

from governance.db.clock import install_adjustable_clock
from governance.db.grants import database_statement
from tests.mutations.drop import drop_from_database, dropped_guard
from tests.support.roles import app_role, as_owner, use_app_role

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "govsite_template_"
BUILDING = 7_301_842  # the advisory lock under which one process builds the template


def ensure_template() -> str:
    """Return the name of a migrated template database, and build it if it is missing.

    The name contains a digest of everything that a migration depends on. After this call the
    default connections run under the role of the application.
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
                    with as_owner():
                        install_adjustable_clock()
                cursor.execute(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')
                for old in known:
                    cursor.execute(f'DROP DATABASE IF EXISTS "{old}" WITH (FORCE)')
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [BUILDING])
    return name


@contextmanager
def cloned(template: str) -> Iterator[str]:
    """Create a clone of `template`, point Django at it, and drop it after the block.

    If the environment names a guard, the clone lacks it (`tests/mutations/drop.py`).
    """
    name = f"test_govsite_{os.getpid()}_{uuid4().hex[:8]}"
    with server() as cursor:
        # Copying the files costs a quarter of writing them to the log, page by page.
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        if role := app_role():
            cursor.execute(database_statement(role=role, database=name))
    try:
        with pointed_at(name):
            if guard := dropped_guard():
                with connections["owner"].cursor() as owner:
                    drop_from_database(owner, guard)
                connections["owner"].close()
            yield name
    finally:
        with server() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def pointed_at(name: str) -> Iterator[None]:
    """Point all connections of Django, in every thread, at the database `name`."""
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
    """Return a cursor of the owner, in autocommit, on the server's maintenance database."""
    with connections["owner"]._nodb_cursor() as cursor:
        yield cursor


def _hurry(cursor: Any) -> None:
    """Turn off fsync on the embedded server, whose test data may be lost in a crash.

    The settings of a server that DATABASE_URL names are not changed.
    """
    if settings.IS_EMBEDDED:
        cursor.execute("ALTER SYSTEM SET fsync = off")
        cursor.execute("ALTER SYSTEM SET full_page_writes = off")
        cursor.execute("SELECT pg_reload_conf()")


def _fingerprint() -> str:
    """Return a digest of all files that decide what a migrated database contains."""
    patterns = (
        "governance/models/migrations/*.py",
        "governance/models/sql/**/*",
        "governance/db/clock.py",
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
