"""Attacks: raw SQL against the record, and PostgreSQL's refusal in the name of a law.

Everything here goes past the models, as somebody with `psql` would. `violates_constraint` attacks
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
    """Run one statement; its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []


def insert_row(table: str, **columns: Any) -> None:
    """INSERT one row; lists and objects go in as JSON."""
    values = [
        json.dumps(value) if isinstance(value, dict | list) else value for value in columns.values()
    ]
    placeholders = ", ".join(["%s"] * len(values))
    run_sql(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({placeholders})", *values)


def update_row(table: str, row_id: Any, **columns: Any) -> None:
    """UPDATE one row by its id."""
    moves = ", ".join(f"{name} = %s" for name in columns)
    run_sql(f"UPDATE {table} SET {moves} WHERE id = %s", *columns.values(), row_id)


@contextmanager
def violates_constraint(constraint: str, *, at_commit: bool = False) -> Iterator[None]:
    """Expect PostgreSQL to refuse what happens inside by `constraint`, and undo all of it.

    `constraint` is the constraint or trigger that the error names, or `not_null <column>`. With
    `at_commit` the statements themselves must pass: the deferred triggers refuse, when they are
    checked as a commit would check them.
    """
    check_deferred_triggers()  # what stands before the attack is lawful
    reached_commit = False
    with as_owner(), pytest.raises(DatabaseError) as caught, transaction.atomic():  # noqa: PT012
        yield
        if at_commit:
            reached_commit = True
            check_deferred_triggers()
    assert violated_constraint(caught.value) == constraint, caught.value
    assert reached_commit == at_commit, "It was refused before the commit."


def violated_constraint(error: BaseException) -> str:
    """The law that a refusal names; the error's own words where it names none."""
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is None:
        return str(error)
    if diagnosis.sqlstate == "23502":
        return f"not_null {diagnosis.column_name}"
    return diagnosis.constraint_name or str(error)


def check_deferred_triggers() -> None:
    """Check now what a commit would check."""
    run_sql("SET CONSTRAINTS ALL IMMEDIATE")
    run_sql("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def trigger_off(table: str, *triggers: str) -> Iterator[None]:
    """Switch triggers off as only the table's owner can, to see what still stands without them."""
    check_deferred_triggers()  # a table with checks outstanding cannot be altered
    with as_owner():
        for trigger in triggers:
            run_sql(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        yield
        check_deferred_triggers()
        for trigger in triggers:
            run_sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")


@contextmanager
def as_replica() -> Iterator[None]:
    """As a superuser who says that this session only replays what happened elsewhere.

    Ordinary triggers, foreign keys among them, do not fire then.
    """
    with as_owner():
        if run_sql("SHOW is_superuser") != [("on",)]:
            pytest.skip("the owner of this PostgreSQL's tables is no superuser")
        run_sql("SET session_replication_role = replica")
        yield  # a refusal ends in a rollback, which takes the setting back by itself
        run_sql("SET session_replication_role = origin")


def foreign_key(table: str, column: str) -> str:
    """The name that Django gave to a foreign key."""
    [(name,)] = run_sql(
        "SELECT constraint_name FROM information_schema.key_column_usage"
        " JOIN information_schema.table_constraints USING (constraint_name, table_name)"
        " WHERE table_name = %s AND column_name = %s AND constraint_type = 'FOREIGN KEY'",
        table,
        column,
    )
    return str(name)


def whole_record() -> dict[str, str]:
    """A fingerprint of each of our tables, to show that a refusal left no trace.

    But of tokens and accounts: they are no part of the record, and change by being used.
    """
    tables = run_sql(
        "SELECT tablename FROM pg_tables WHERE tablename LIKE 'governance_%%'"
        " AND tablename NOT IN ('governance_apitoken', 'governance_account')"
    )
    return {
        table: run_sql(
            f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
        )[0][0]
        for (table,) in tables
    }


@contextmanager
def nothing_written() -> Iterator[None]:
    """Not one row of ours differs afterwards."""
    before = whole_record()
    yield
    assert whole_record() == before
