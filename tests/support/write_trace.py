"""A trace of all writes of the record: which module and which database trigger writes which column.

Row triggers on every table of ours note each write. Before each statement of Django a setting of
the session gets the name of the module that runs it. Rolled-back writes leave no trace.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import connections
from django.db.backends.signals import connection_created

from tests.support.attacks import run_sql
from tests.support.roles import as_owner

# Helpers that run the statements of others; the trace names the module that called them.
HELPERS = ("governance.db.", "governance.models.")
NOBODY = "unknown"
# Statements that write nothing. An aborted transaction refuses all but the rollback, and the
# isolation level is set before every other statement.
CONTROL = ("SAVEPOINT", "ROLLBACK", "RELEASE", "SET ")

NOTES = """
CREATE TABLE trace_notes (
    subject text, operation text, written text, module text, called text, in_trigger boolean)
"""
# `called` is the SQL function or the function of a trigger whose statement wrote the row.
NOTE_WRITE = r"""
CREATE FUNCTION trace_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    context text;
BEGIN
    GET DIAGNOSTICS context = PG_CONTEXT;
    INSERT INTO trace_notes
    SELECT TG_TABLE_NAME, TG_OP, changed.name,
           coalesce(nullif(current_setting('trace.module', true), ''), 'unknown'),
           coalesce(substring(context FROM 'function "?(?:\w+\.)?(governance_\w+)'), ''),
           pg_trigger_depth() > 1
      FROM (SELECT '' AS name WHERE TG_OP <> 'UPDATE'
            UNION ALL
            SELECT after.key FROM jsonb_each(to_jsonb(NEW)) after
             WHERE TG_OP = 'UPDATE' AND after.value <> to_jsonb(OLD) -> after.key) changed;
    RETURN NULL;
END $$
"""
# A BEFORE trigger that fires first keeps the row as it was given; one that fires last compares. A
# trigger may set the value that was given anyway, so its text counts too.
KEEP_GIVEN = """
CREATE FUNCTION trace_given() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('trace.given', to_jsonb(NEW)::text, false);
    RETURN NEW;
END $$
"""
NOTE_SET = r"""
CREATE FUNCTION trace_set() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO trace_notes
    SELECT TG_TABLE_NAME, 'SET', after.key, '', setting.proname, true
      FROM jsonb_each(to_jsonb(NEW)) after
      LEFT JOIN (pg_trigger JOIN pg_proc setting ON setting.oid = tgfoid)
             ON tgrelid = TG_RELID AND setting.prosrc ~ ('NEW\.' || after.key || '\s*:=')
     WHERE setting.proname IS NOT NULL
        OR after.value <> current_setting('trace.given')::jsonb -> after.key;
    RETURN NEW;
END $$
"""
INSTALL = """
CREATE TRIGGER "00_given" BEFORE INSERT OR UPDATE ON {0}
    FOR EACH ROW EXECUTE FUNCTION trace_given();
CREATE TRIGGER zzz_set BEFORE INSERT OR UPDATE ON {0}
    FOR EACH ROW EXECUTE FUNCTION trace_set();
CREATE TRIGGER zzz_note AFTER INSERT OR UPDATE OR DELETE ON {0}
    FOR EACH ROW EXECUTE FUNCTION trace_note();
"""


class TracedWrite(NamedTuple):
    """One kind of write.

    `operation` is INSERT, UPDATE, DELETE or SET: a BEFORE trigger set the column of a row that is
    being written. `column` is "" for a whole row, and `function` is "" for a plain statement.
    """

    table: str
    operation: str
    column: str
    module: str
    function: str
    is_by_trigger: bool


def our_tables() -> list[str]:
    """List the tables of govsite in the database of this test."""
    return [
        name
        for (name,) in run_sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema"
            " AND tablename LIKE 'governance\\_%%' ORDER BY 1"
        )
    ]


@contextmanager
def traced_writes() -> Iterator[Callable[[], set[TracedWrite]]]:
    """Trace all writes of the block; it gets a function that returns those made so far.

    The triggers stay, so the test needs the fixture `committed`: a database of its own.
    """
    tables = our_tables()
    with as_owner():
        for statement in (NOTES, NOTE_WRITE, KEEP_GIVEN, NOTE_SET):
            run_sql(statement)
        for table in tables:
            for statement in INSTALL.format(table).split(";\n")[:-1]:
                run_sql(statement)
    for connection in connections.all(initialized_only=True):
        connection.execute_wrappers.append(_note_module)
    connection_created.connect(_trace_connection)
    try:
        yield _read_trace
    finally:
        connection_created.disconnect(_trace_connection)
        for connection in connections.all(initialized_only=True):
            while _note_module in connection.execute_wrappers:
                connection.execute_wrappers.remove(_note_module)


def _read_trace() -> set[TracedWrite]:
    with as_owner():
        return {TracedWrite(*row) for row in run_sql("SELECT DISTINCT * FROM trace_notes")}


def _trace_connection(sender: Any, connection: Any, **options: Any) -> None:
    if _note_module not in connection.execute_wrappers:
        connection.execute_wrappers.append(_note_module)


def _note_module(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Name the module of a statement before it is executed."""
    if not str(sql).startswith(CONTROL):
        cursor = context["connection"].connection.cursor()
        cursor.execute("SELECT set_config('trace.module', %s, false)", [_running_module()])
        cursor.close()
    return execute(sql, params, many, context)


def _running_module() -> str:
    """Return the innermost module of ours that runs now, or else that of Django's own pages."""
    frame: Any = sys._getframe()
    django = NOBODY
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith("governance.") and not f"{name}.".startswith(HELPERS):
            return name.removeprefix("governance.")
        if name.startswith("django.contrib.") and django == NOBODY:
            django = name
        frame = frame.f_back
    return django
