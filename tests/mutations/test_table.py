"""Every guard has its row in the table of mutations, and can be dropped."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
from django.db import connection, transaction

from tests.mutations.drop import drop_from_database
from tests.mutations.guards import functions, guards_in_database, refusals
from tests.mutations.table import read_table
from tests.support.roles import as_owner

TESTS = Path(__file__).resolve().parents[1]
ADVICE = "give each guard a row with the tests that fail without it, in tests/mutations/table.toml"

TABLE = read_table()


def guards_of(kind: str) -> set[str]:
    return {guard.split(": ", 1)[1] for guard in TABLE if guard.startswith(f"{kind}: ")}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["trigger", "constraint"])
def test_table__against_the_database__has_every_guard(kind: str) -> None:
    with connection.cursor() as cursor:
        assert guards_of(kind) == guards_in_database(cursor)[kind], ADVICE


def test_table__against_the_sql_files__has_every_refusal() -> None:
    assert guards_of("refusal") == set(refusals()), ADVICE


def test_table__against_the_code__has_every_function() -> None:
    assert guards_of("function") == set(functions()), ADVICE


@pytest.mark.parametrize("guard", TABLE)
def test_row__names_daily_tests_that_exist(guard: str) -> None:
    assert TABLE[guard]
    for test in TABLE[guard]:
        path, _, name = test.partition("::")
        text = (TESTS / path).read_text()
        assert re.search(rf"def {name.rpartition('::')[2] or 'test_'}\b", text), test


@pytest.mark.django_db
def test_guard_of_the_database__dropped__is_gone() -> None:
    def everything() -> tuple[object, ...]:
        with connection.cursor() as cursor:
            found = guards_in_database(cursor)
            cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'governance_refuse'")
            return found, cursor.fetchall()

    before = everything()
    for guard in TABLE:
        if not guard.startswith("function: "):
            with as_owner(), transaction.atomic(), connection.cursor() as cursor:
                drop_from_database(cursor, guard)
                assert everything() != before, guard
                transaction.set_rollback(True)
    assert everything() == before


def test_function__is_one_whose_code_can_be_replaced() -> None:
    for name in functions():
        module, _, attribute = name.rpartition(".")
        function = inspect.unwrap(getattr(import_module(module), attribute))
        assert function.__code__.co_freevars == (), name
