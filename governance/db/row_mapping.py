"""Statements written by hand, for what is asked thousands of times a second.

psycopg binds their values on the server, so that PostgreSQL prepares them once a session where the
settings allow it; Django's own statements are made anew, and planned anew, each time.
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
from governance.models.fields import StatefulModel

_M = TypeVar("_M", bound=Model)
_SET_LIMIT = "SELECT set_config('statement_timeout', %s, true)"


class RowMapping:
    """The columns of a table as a statement names them, and the row that it gives back.

    `alias` is the table's name in the statement. All fields are read, or all `but` those named, or
    `only` those, in that order.
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
        """The model's instance made of the first `number` of `values`.

        It is what Django's own would be, made without the signals that nobody here listens to.
        """
        columns = dict(zip(self._names, values, strict=False))
        for name in self._json:
            if columns[name] is not None:
                columns[name] = load_json(columns[name])
        return mark_as_saved(_instance(self._model, columns))

    def row_from_json(self, columns: dict[str, Any]) -> Any:
        """The instance made of a whole row as PostgreSQL's `to_json` writes it."""
        for name in self._times:
            if columns[name] is not None:
                columns[name] = datetime.fromisoformat(columns[name])
        return mark_as_saved(_instance(self._model, columns))


def unsaved_instance(model: type[_M], /, **columns: Any) -> _M:
    """A new row with these columns, by their attnames, and the others' defaults.

    It is what `model(…)` would be; this is for what is made a thousand times a second.
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
    if isinstance(made, StatefulModel):
        made._update_initial_state()  # by which `save` sees that the status moved meanwhile
    return cast("_M", made)


@cache
def _defaults_of(
    model: type[Model],
) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """The columns that begin with the same value in each row, and what makes the others'."""
    fields = model._meta.concrete_fields
    anew = [(field.attname, field.get_default) for field in fields if callable(field.default)]
    made = {name for name, _ in anew}
    return {f.attname: f.get_default() for f in fields if f.attname not in made}, anew


def array_literal(values: Iterable[Any]) -> str:
    """Texts, numbers or ids as PostgreSQL spells an array, for a `%s::text[]` or the like.

    psycopg makes one of a list too, and takes longer for it than the round trip does.
    """
    quoted = (str(one).replace("\\", "\\\\").replace('"', '\\"') for one in values)
    return "{" + ",".join(f'"{one}"' for one in quoted) + "}"


def prepared_rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows that the statement gives."""
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
    """All rows that each of the statements gives, in order; none of them waits for the others.

    They go out together, so that PostgreSQL works on the next while we look at the first; whoever
    does not look at all of them closes this. Values of the types `as_text` are the texts that came.

    `meanwhile` is work of another kind, a piece at a time: it is done while PostgreSQL works. What
    came until then is taken in after each piece, so that PostgreSQL waits for no more than one.
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
    """All rows that a statement gives that only reads; OperationalError (57014) after `seconds`.

    One round trip: the limit and the statement go out together, and are one transaction. Inside of
    another's, so does a savepoint, and what was the limit before is it again, whatever happens.
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
    """Django's connection, made sure of as Django does before each cursor of its own."""
    wrapper = connections[using]
    wrapper.close_if_health_check_failed()
    wrapper.ensure_connection()
    wrapper.validate_no_broken_transaction()
    return wrapper


def _logged_rows(
    wrapper: Any, raw: psycopg.Cursor[Any], sql: str, values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """The same for whoever listens to what is asked, as Django lets them."""
    with wrapper._prepare_cursor(raw) as cursor:
        cursor.execute(sql, values)
        if wrapper.queries_logged and wrapper.queries_log[-1]["sql"] is None:
            # psycopg keeps no text of what is prepared already; whoever reads the log wants one.
            wrapper.queries_log[-1]["sql"] = wrapper.ops.compose_sql(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def mark_as_saved(instance: Any) -> Any:
    """The instance, of which Django now knows that its row is there."""
    instance._state.adding = False
    instance._state.db = connection.alias
    return instance
