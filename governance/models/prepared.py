"""Statements written by hand, for what is asked thousands of times a second.

psycopg binds their values on the server, so that PostgreSQL prepares them once a session where the
settings allow it; Django's own statements are made anew, and planned anew, each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from django.db import connection
from django.db.models import DEFERRED, Field, Model


class Columns:
    """The columns of a table as a statement names them, and the row that it gives back.

    `alias` is the table's name in the statement, `but` names fields that shall not be read.
    """

    def __init__(self, model: type[Model], alias: str, *, but: Iterable[str] = ()) -> None:
        fields = model._meta.concrete_fields
        left = set(but)
        read = [field for field in fields if field.name not in left]
        self.sql = ", ".join(f'{alias}."{field.column}"' for field in read)
        self.number = len(read)
        self._model = model
        self._places = [read.index(field) if field in read else None for field in fields]
        self._converted = [
            (index, field) for index, field in enumerate(read) if _is_converted(field)
        ]

    def row(self, values: Sequence[Any]) -> Any:
        """The model's instance made of the first `number` of `values`."""
        read = list(values[: self.number])
        for index, field in self._converted:
            read[index] = field.from_db_value(read[index], None, connection)  # type: ignore[attr-defined]
        made = self._model(*(DEFERRED if place is None else read[place] for place in self._places))
        return as_written(made)


def prepared_rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows that the statement gives."""
    connection.close_if_health_check_failed()  # as Django does before each cursor of its own
    connection.ensure_connection()
    raw = psycopg.Cursor(connection.connection)
    with connection._prepare_cursor(raw) as cursor:  # type: ignore[attr-defined]
        cursor.execute(sql, values)
        if connection.queries_logged and connection.queries_log[-1]["sql"] is None:
            # psycopg keeps no text of what is prepared already; whoever reads the log wants one.
            connection.queries_log[-1]["sql"] = connection.ops.compose_sql(sql, values)
        return cursor.fetchall()


def as_written(instance: Any) -> Any:
    """The instance, of which Django now knows that its row is there."""
    instance._state.adding = False
    instance._state.db = connection.alias
    return instance


def _is_converted(field: Field) -> bool:
    return hasattr(field, "from_db_value")
