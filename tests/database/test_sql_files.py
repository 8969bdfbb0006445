"""Constructs that no SQL file may hold, so that it can be installed in any schema and cluster.

On a cluster the names of shards and of their triggers end in a number, each statement is planned
on the node that holds its rows, and a string may hold one statement only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import sqlparse
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.state import ProjectState
from psycopg.pq import ExecStatus

from governance.db.clock import is_clock_replaced
from governance.models.sql import FOLDER, InstallSql, installable_statements, read_sql, sql_files
from tests.support.attacks import run_sql
from tests.support.databases import pointed_at, server

FORBIDDEN = {
    "asks for the name of a table or trigger": r"\bTG_(TABLE_NAME|TABLE_SCHEMA|RELNAME|NAME)\b",
    "has a transition table": r"\bREFERENCING\s+(NEW|OLD)\s+TABLE\b",
    "names a schema": r"\bpublic\b",
    "counts in 32 bits": r"\bnextval\b|\bserial\b|\binteger\s+GENERATED\b",
}
SEARCH_PATH = "SET search_path = @schema@, pg_temp"
RESOLVES_NAMES = re.compile(r"\bCREATE\b.*\bFUNCTION\b.*\bAS\s+\$", re.DOTALL | re.IGNORECASE)
# Tables of Django: migrations insert their rows, except those of the admin log.
COUNT_IN_32_BITS = {
    "auth_group",
    "auth_permission",
    "django_admin_log",
    "django_content_type",
}


def problems_of(text: str) -> Iterator[str]:
    """Yield what is wrong with the text of an SQL file."""
    for problem, pattern in FORBIDDEN.items():
        if re.search(pattern, text, re.IGNORECASE):
            yield problem
    for statement in sqlparse.split(text):
        if RESOLVES_NAMES.search(statement) and SEARCH_PATH not in statement:
            yield "has a function that looks names up anywhere"


@pytest.mark.parametrize("name", sql_files())
def test_file__holds_nothing_that_is_forbidden(name: str) -> None:
    assert list(problems_of(read_sql(name))) == []


@pytest.mark.parametrize(
    ("addition", "problem"),
    [
        ("SELECT TG_TABLE_NAME;", "asks for the name"),
        ("SELECT tg_name;", "asks for the name"),
        ("CREATE TRIGGER t AFTER INSERT ON x REFERENCING NEW TABLE AS y;", "transition table"),
        ("CREATE TRIGGER t AFTER INSERT ON x REFERENCING\n OLD TABLE AS y;", "transition table"),
        ("SELECT 1 FROM public.x;", "names a schema"),
        ("-- In the schema public.\nSELECT 1;", "names a schema"),
        ("SELECT nextval('x');", "counts in 32 bits"),
        ("CREATE TABLE x (id serial);", "counts in 32 bits"),
        (
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;",
            "looks names up anywhere",
        ),
        (
            "CREATE OR REPLACE FUNCTION f() RETURNS int\nLANGUAGE sql\n"
            "SET search_path = pg_temp AS $x$ SELECT 1 $x$;",
            "looks names up anywhere",
        ),
    ],
)
@pytest.mark.parametrize("name", ["refuse", "append_only"])
def test_file__with_something_forbidden__is_found(name: str, addition: str, problem: str) -> None:
    found = list(problems_of(f"{read_sql(name)}\n{addition}"))
    assert any(problem in one for one in found), found


def test_python__nowhere_names_the_schema_but_as_the_settings_default() -> None:
    root = FOLDER.parents[2]
    naming = {
        str(path.relative_to(root))
        for folder in ("governance", "govsite")
        for path in (root / folder).rglob("*")
        if path.suffix in {".py", ".sql"}
        and re.search(r"""\bpublic\.\w|["']public["']|\bSCHEMA public\b""", path.read_text())
    }
    assert naming == {"govsite/settings.py"}


def test_folders__hold_functions_or_views_alone_and_rules_with_triggers() -> None:
    for path in FOLDER.glob("*/*.sql"):
        made = re.findall(r"^CREATE (?:OR REPLACE )?(?:CONSTRAINT )?(\w+)", path.read_text(), re.M)
        made = set(made)
        if path.parent.name in ("functions", "views"):
            assert made == {path.parent.name.removesuffix("s").upper()}, path
        else:
            assert made <= {"FUNCTION", "TRIGGER"}, path


def test_names__of_the_files__are_each_of_one_file() -> None:
    assert len(set(sql_files())) == len(sql_files()) == len(list(FOLDER.glob("*/*.sql")))


def test_statements__for_a_schema__name_it_quoted() -> None:
    statements = installable_statements("refuse", schema="alpha")
    assert len(statements) == 1
    assert 'SET search_path = "alpha", pg_temp' in statements[0]
    assert "@schema@" not in statements[0]
    assert f'"{settings.GOVSITE_SCHEMA}"' in installable_statements("refuse")[0]


# --- one statement per execution ---
class Listening:
    """A schema editor that records statements instead of executing them."""

    def __init__(self) -> None:
        self.executed: list[tuple[str, Any]] = []

    def execute(self, sql: str, params: Any = ()) -> None:
        self.executed.append((sql, params))


def test_migration__installs_each_statement_by_itself() -> None:
    editor, now = Listening(), ProjectState.from_apps(apps_of_today())
    InstallSql().database_forwards("governance", editor, now, now)
    assert len(editor.executed) == sum(len(installable_statements(name)) for name in sql_files())
    for sql, params in editor.executed:
        assert len(sqlparse.split(sql)) == 1
        assert params is None  # so psycopg does not read a percent sign as a placeholder


def test_migration__before_a_table_is_there__installs_no_file_about_it() -> None:
    editor, before = Listening(), ProjectState.from_apps(apps_of_today())
    before.remove_model("governance", "contracttombstone")
    InstallSql().database_forwards("governance", editor, before, before)
    installed = "\n".join(sql for sql, _ in editor.executed)
    assert "governance_contracttombstone" not in installed
    assert "CREATE TRIGGER job_moves" in installed


def apps_of_today() -> Any:
    from django.apps import apps

    return apps


@pytest.mark.django_db
def test_statements__all_of_them__are_one_each_to_postgresql_itself() -> None:
    """PostgreSQL refuses to prepare a string that holds several statements."""
    with connection.cursor() as cursor:
        prepare = cursor.connection.pgconn.prepare
    for name in sql_files():
        for statement in installable_statements(name):
            prepared = prepare(b"", statement.encode())
            assert prepared.status == ExecStatus.COMMAND_OK, prepared.error_message
    assert b"multiple commands" in prepare(b"", b"SELECT 1; SELECT 2").error_message


def test_migrate__from_nothing__sends_one_statement_at_a_time(
    django_db_setup: None, django_db_blocker: Any
) -> None:
    """This covers Django's own migrations and the grants too."""
    sent: list[str] = []

    def listen(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        sent.append(str(sql))
        return execute(sql, params, many, context)

    name = f"test_govsite_empty_{uuid4().hex[:8]}"
    with django_db_blocker.unblock():
        with server() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}"')
        try:
            with pointed_at(name), connections["owner"].execute_wrapper(listen):
                call_command("migrate", verbosity=0)
                # The clock of the suite's other databases is adjustable.
                assert not is_clock_replaced(using="owner")
        finally:
            with server() as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    assert len(sent) > 500
    assert any("CREATE CONSTRAINT TRIGGER" in sql for sql in sent)
    assert any(sql.startswith("GRANT EXECUTE") for sql in sent)
    several = [sql for sql in sent if len(sqlparse.split(sql)) != 1]
    # The queue's migrations are those of its package, which a cluster would need in other pieces.
    assert [sql for sql in several if "procrastinate_" not in sql] == []


# --- 64-bit ids ---
@pytest.mark.django_db
def test_ids__that_postgresql_counts__have_64_bits_but_for_djangos_own() -> None:
    narrow = run_sql(
        "SELECT owner.relname FROM pg_sequence"
        "  JOIN pg_depend ON pg_depend.objid = seqrelid AND deptype IN ('a', 'i')"
        "  JOIN pg_class owner ON owner.oid = refobjid"
        " WHERE seqtypid <> 'bigint'::regtype AND owner.relkind = 'r'"
    )
    assert {table for (table,) in narrow} == COUNT_IN_32_BITS
    columns = run_sql(
        "SELECT attrelid::regclass::text, attname FROM pg_constraint"
        "  JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)"
        " WHERE contype = 'f' AND confrelid = 'governance_account'::regclass"
        "   AND atttypid <> 'bigint'::regtype"
    )
    assert columns == []
