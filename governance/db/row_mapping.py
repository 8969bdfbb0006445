"""Handwritten SQL statements and the mapping of their rows to models, for frequent queries.

psycopg binds the values on the server, so PostgreSQL can prepare a statement once per session if
the settings allow it. Django builds and plans its own statements anew each time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import DateTimeField, JSONField, Model
from django.db.models.base import ModelState
from psycopg.types.string import TextLoader

from governance.domain.canonical import load_json

_M = TypeVar("_M", bound=Model)
_SET_LIMIT = "SELECT set_config('statement_timeout', %s, true)"


class RowMapping:
    """The columns of a model in a statement, and the instance made from a returned row.

    Args:
        alias: the table's name in the statement.
        but: the names of fields that are not read.
        only: the names of the fields that are read, in this order; by default all.
    """

    def __init__(
        self,
        model: type[Model],
        alias: str,
        *,
        but: Collection[str] = (),
        only: Iterable[str] | None = None,
    ) -> None:
        fields = {field.name: field for field in model._meta.concrete_fields}
        read = [fields[name] for name in only or fields if name not in but]
        self.sql = ", ".join(f'{alias}."{field.column}"' for field in read)
        self.number = len(read)
        self._model = model
        self._names = [field.attname for field in read]
        self._json = [field.attname for field in read if isinstance(field, JSONField)]
        self._times = [field.attname for field in read if isinstance(field, DateTimeField)]

    def row(self, values: Sequence[Any]) -> Any:
        """Make an instance of the first `number` of `values`.

        The instance equals Django's own, but is made without sending signals, which have no
        receivers here.
        """
        columns = dict(zip(self._names, values, strict=False))
        for name in self._json:
            if columns[name] is not None:
                columns[name] = load_json(columns[name])
        return mark_as_saved(_instance(self._model, columns))

    def row_from_json(self, columns: dict[str, Any]) -> Any:
        """Make an instance of a whole row that PostgreSQL's `to_json` wrote."""
        for name in self._times:
            if columns[name] is not None:
                columns[name] = datetime.fromisoformat(columns[name])
        return mark_as_saved(_instance(self._model, columns))


def unsaved_instance(model: type[_M], /, **columns: Any) -> _M:
    """Make a new instance with these columns, by attname, and the defaults of the others.

    The instance equals that of `model(…)`, and is made faster.
    """
    constants, made_anew = _defaults_of(model)
    row = constants | columns
    for name, make in made_anew:
        if name not in columns:
            row[name] = make()
    return _instance(model, row)


def _instance(model: type[_M], columns: dict[str, Any]) -> _M:
    made: Any = model.__new__(model)
    made._state = ModelState()
    made.__dict__.update(columns)
    return cast("_M", made)


@cache
def _defaults_of(
    model: type[Model],
) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """Return the constant defaults by attname, and the attnames whose default is a callable."""
    fields = model._meta.concrete_fields
    anew = [(field.attname, field.get_default) for field in fields if callable(field.default)]
    made = {name for name, _ in anew}
    return {f.attname: f.get_default() for f in fields if f.attname not in made}, anew


def array_literal(values: Iterable[Any]) -> str:
    """Format texts, numbers or ids as a PostgreSQL array literal, for a `%s::text[]` or the like.

    psycopg adapts a list too, but takes longer for it than the round trip.
    """
    quoted = (str(one).replace("\\", "\\\\").replace('"', '\\"') for one in values)
    return "{" + ",".join(f'"{one}"' for one in quoted) + "}"


def prepared_rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Execute a prepared statement and return all its rows."""
    wrapper = _ready()
    cursor = psycopg.Cursor(wrapper.connection)
    if wrapper.queries_logged or wrapper.execute_wrappers:
        return _logged_rows(wrapper, cursor, sql, values)
    with wrapper.wrap_database_errors:
        return cursor.execute(sql, values).fetchall()


def pipelined_rows(
    queries: Iterable[tuple[str, Sequence[Any]]],
    *,
    as_text: Iterable[str] = (),
    using: str = DEFAULT_DB_ALIAS,
    meanwhile: Iterable[object] = (),
) -> Generator[list[tuple[Any, ...]]]:
    """Execute several statements in one pipeline; yield the rows of each, in order.

    PostgreSQL executes the next statement while the caller reads the rows of the first. A caller
    that does not read all results closes the generator.

    Args:
        as_text: PostgreSQL types whose values are returned as text.
        meanwhile: work to do while PostgreSQL executes, one item at a time. After each item the
            received data is read, so PostgreSQL waits for one item at most.
    """
    wrapper = _ready(using)

    def made() -> psycopg.Cursor[Any]:
        cursor = psycopg.Cursor(wrapper.connection)
        for name in as_text:
            cursor.adapters.register_loader(name, TextLoader)
        return cursor

    if wrapper.queries_logged or wrapper.execute_wrappers:
        for _ in meanwhile:
            pass
        for sql, values in queries:
            yield _logged_rows(wrapper, made(), sql, values)
        return
    with wrapper.wrap_database_errors, wrapper.connection.pipeline():
        cursors = [made().execute(sql, values) for sql, values in queries]
        for _ in meanwhile:
            wrapper.connection.pgconn.consume_input()
        for cursor in cursors:
            yield cursor.fetchall()


def rows_within_timeout(seconds: float, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Execute a read-only statement with a time limit and return all its rows.

    The limit and the statement are one transaction and need one round trip. Inside an open
    transaction a savepoint surrounds them, and the previous limit is restored afterwards, also
    after an error.

    Raises:
        OperationalError: with SQLSTATE 57014, after `seconds`.
    """
    wrapper = _ready()
    session = wrapper.connection
    if wrapper.queries_logged:
        logged_sql = wrapper.ops.compose_sql(sql, values)
        wrapper.queries_log.append({"sql": logged_sql, "time": "0"})
    within = wrapper.in_atomic_block
    with wrapper.wrap_database_errors:
        try:
            with session.pipeline():
                if within:
                    session.execute("SAVEPOINT limited")
                psycopg.Cursor(session).execute(_SET_LIMIT, [str(int(seconds * 1000))])
                asked = psycopg.Cursor(session).execute(sql, values)
                if within:
                    _leave_savepoint(session)
                rows = asked.fetchall()
        except psycopg.Error:
            if within and not session.closed:
                _leave_savepoint(session)
            raise
    return rows


def _leave_savepoint(session: psycopg.Connection[Any]) -> None:
    for word in ("ROLLBACK TO", "RELEASE"):
        session.execute(f"{word} SAVEPOINT limited")


def _ready(using: str = DEFAULT_DB_ALIAS) -> Any:
    """Return Django's connection, checked as Django checks it before it makes a cursor."""
    wrapper = connections[using]
    wrapper.close_if_health_check_failed()
    wrapper.ensure_connection()
    wrapper.validate_no_broken_transaction()
    return wrapper


def _logged_rows(
    wrapper: Any, raw: psycopg.Cursor[Any], sql: str, values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Execute a statement through Django's query log and its execute wrappers."""
    with wrapper._prepare_cursor(raw) as cursor:
        cursor.execute(sql, values)
        if wrapper.queries_logged and wrapper.queries_log[-1]["sql"] is None:
            # psycopg keeps no text of a statement that is prepared already, and the log needs one.
            wrapper.queries_log[-1]["sql"] = wrapper.ops.compose_sql(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def mark_as_saved(instance: _M) -> _M:
    """Tell Django that the row of `instance` exists, and return the instance."""
    instance._state.adding = False
    instance._state.db = connection.alias
    return instance
