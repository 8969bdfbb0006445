"""Attacks with raw SQL on the record, and the expected refusal by a database guard.

Everything here bypasses the models, as a person with `psql` would. `violates_constraint` attacks
as the owner of the tables, so that the constraint refuses and not a missing right.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tests.support.roles import as_owner


def run_sql(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """Run one statement, and return its rows, if it returns any."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []


def insert_row(table: str, **columns: Any) -> None:
    """Insert one row; lists and dictionaries are written as JSON."""
    values = [
        json.dumps(value) if isinstance(value, dict | list) else value for value in columns.values()
    ]
    placeholders = ", ".join(["%s"] * len(values))
    run_sql(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({placeholders})", *values)


def update_row(table: str, row_id: Any, **columns: Any) -> None:
    """Update one row by its id."""
    moves = ", ".join(f"{name} = %s" for name in columns)
    run_sql(f"UPDATE {table} SET {moves} WHERE id = %s", *columns.values(), row_id)


@contextmanager
def violates_constraint(constraint: str, *, at_commit: bool = False) -> Iterator[None]:
    """Expect PostgreSQL to refuse the block by `constraint`, and roll it back.

    Args:
        constraint: The database guard that the error names, or `not_null <column>`.
        at_commit: The statements themselves must succeed, and a deferred trigger must refuse when
            it is checked as at a commit.
    """
    check_deferred_triggers()  # so that a violation before the attack is not mistaken for it
    reached_commit = False
    with as_owner(), pytest.raises(DatabaseError) as caught, transaction.atomic():  # noqa: PT012
        yield
        if at_commit:
            reached_commit = True
            check_deferred_triggers()
    assert violated_constraint(caught.value) == constraint, caught.value
    assert reached_commit == at_commit, "The block was refused before the commit."


def violated_constraint(error: BaseException) -> str:
    """Return the database guard that an error names, or the message if it names none."""
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is None:
        return str(error)
    if diagnosis.sqlstate == "23502":
        return f"not_null {diagnosis.column_name}"
    return diagnosis.constraint_name or str(error)


def check_deferred_triggers() -> None:
    """Run the deferred triggers now, as a commit would."""
    run_sql("SET CONSTRAINTS ALL IMMEDIATE")
    run_sql("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def trigger_off(table: str, *triggers: str) -> Iterator[None]:
    """Disable triggers as the owner while the block runs, to test the guards that remain."""
    check_deferred_triggers()  # a table with pending deferred triggers cannot be altered
    with as_owner():
        for trigger in triggers:
            run_sql(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        yield
        check_deferred_triggers()
        for trigger in triggers:
            run_sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")


@contextmanager
def as_replica() -> Iterator[None]:
    """Run the block as a superuser with `session_replication_role = replica`.

    Ordinary triggers, and with them foreign keys, do not fire then.
    """
    with as_owner():
        if run_sql("SHOW is_superuser") != [("on",)]:
            pytest.skip("the owner of the tables is not a superuser")
        run_sql("SET session_replication_role = replica")
        yield  # after a refusal, the rollback restores the setting
        run_sql("SET session_replication_role = origin")


def foreign_key(table: str, column: str) -> str:
    """Return the name that Django gave to a foreign key."""
    [(name,)] = run_sql(
        "SELECT constraint_name FROM information_schema.key_column_usage"
        " JOIN information_schema.table_constraints USING (constraint_name, table_name)"
        " WHERE table_name = %s AND column_name = %s AND constraint_type = 'FOREIGN KEY'",
        table,
        column,
    )
    return str(name)


def whole_record() -> dict[str, str]:
    """Return a digest of each table of the record, to show that a refusal left no trace.

    Tokens and accounts are left out: they are not part of the record, and a call updates them. So
    are failures of health readings, which a refusal may be for.
    """
    tables = run_sql(
        "SELECT tablename FROM pg_tables WHERE tablename LIKE 'governance_%%'"
        " AND tablename NOT IN"
        " ('governance_apitoken', 'governance_account', 'governance_healthfailure')"
    )
    return {
        table: run_sql(
            f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
        )[0][0]
        for (table,) in tables
    }


@contextmanager
def nothing_written() -> Iterator[None]:
    """Assert that the block changes no row of the record."""
    before = whole_record()
    yield
    assert whole_record() == before
