"""Databases of any number of contracts with real hash chains, dropped or kept after a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from governance.db.grants import database_statement
from governance.management.roles import owner_alias
from tests.benchmarks.load.filling import fill_database
from tests.support.databases import ensure_template, pointed_at, server
from tests.support.roles import app_role

PREFIX = "govsite_scale_"


@dataclass(frozen=True, slots=True)
class Made:
    """A database: the seconds that filling it took (None if it was kept), and its size on disk."""

    name: str
    contracts: int
    seconds: float | None
    bytes: int


@contextmanager
def database_of(contracts: int, *, keep: bool, advance: Callable[[int], object]) -> Iterator[Made]:
    """Create a database with so many contracts, analysed, and drop it after the block.

    With `keep` it is not dropped, and a kept one is used again, after its migrations are applied.
    """
    template, name = ensure_template(), f"{PREFIX}{contracts}"
    seconds = None
    if not (keep and _is_there(name)):
        seconds = _make(template, name, contracts, advance)
    try:
        with pointed_at(name):
            call_command("migrate", verbosity=0)
            with connections["owner"].cursor() as cursor:
                cursor.execute("SELECT pg_database_size(current_database())")
                size = cursor.fetchone()[0]
        yield Made(name, contracts, seconds, size)
    finally:
        if not keep:
            _drop(name)


def _make(template: str, name: str, contracts: int, advance: Callable[[int], object]) -> float:
    """Fill a draft database, and rename it when it is complete; return the seconds."""
    draft = f"{name}_draft"
    _drop(draft)
    with server() as cursor:
        cursor.execute(f'CREATE DATABASE "{draft}" TEMPLATE "{template}"')
        if role := app_role():
            cursor.execute(database_statement(role=role, database=draft))
    try:
        began = time.monotonic()
        with pointed_at(draft):
            fill_database(
                contracts=contracts, at=timezone.now(), using=owner_alias(), advance=advance
            )
        seconds = time.monotonic() - began
        _drop(name)
        with server() as cursor:
            cursor.execute(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')
    finally:
        _drop(draft)
    return seconds


def _is_there(name: str) -> bool:
    with server() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return cursor.fetchone() is not None


def _drop(name: str) -> None:
    with server() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
