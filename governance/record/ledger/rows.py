"""Light rows: the columns and records of a model, read several times faster than instances.

Verification reads the whole record. A row has the columns of its model, under the same names, and
the model's record methods (`content_record`, `as_record`, …), so that each record is defined once.
Ids are text, and times are text as `timestamp` formats them, because records and bodies contain
them in this form. A row has nothing else of its model, and cannot be changed or saved.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any

from django.db import connections, models

from governance.db.rows import array_literal
from governance.domain.canonical import load_json, timestamp
from governance.record.ledger.record_tables import RecordTable

# The value of a column that contains JSON's null. The product stores NULL instead, so an owner of
# the database wrote it; no serializer accepts it, and it differs from None.
JSON_NULL = object()


def read_rows(table: RecordTable, ids: Iterable[Any], *, using: str) -> list[Any]:
    """Read the rows of `table` that refer to these ids, in the table's order.

    Raises:
        ValueError, DataError, RecursionError: for a value that Python cannot hold.
    """
    model, connection = table.model, connections[using]
    columns = ", ".join(_selected(field, connection) for field in model._meta.concrete_fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM {model._meta.db_table}"  # noqa: S608 - our own names
            f" WHERE {table.reference} = ANY (%s) ORDER BY {table.order}",
            [array_literal(ids)],
        )
        values: list[Any] = list(zip(*cursor.fetchall(), strict=True))
    for index, convert in _conversions_of(model) if values else ():
        values[index] = [None if text is None else convert(text) for text in values[index]]
    return list(map(row_class(model)._make, zip(*values, strict=True)))


def make_row(model: Any, values: Mapping[str, Any]) -> Any:
    """Make the row that `read_rows` would return for these values, by name; the others are None."""
    return row_class(model)._make(values.get(name) for name in columns_of(model))


def columns_of(model: Any) -> list[str]:
    """List the names of the columns of a row of `model`, in order."""
    return [field.attname for field in model._meta.concrete_fields]


@cache
def row_class(model: Any) -> Any:
    """Make the class of the light rows of `model`: a named tuple with the record methods."""
    name = f"{model.__name__}Row"
    records = {
        name: member
        for name, member in vars(model).items()
        if name.endswith("_record") or name.startswith("as_")
    }
    columns: Any = namedtuple(name, columns_of(model))  # type: ignore[misc]
    return type(name, (columns,), {"__slots__": (), "pk": property(attrgetter("id")), **records})


def _selected(field: Any, connection: Any) -> str:
    is_text = field.db_type(connection) in ("uuid", "timestamp with time zone", "jsonb")
    return f'"{field.column}"::text' if is_text else f'"{field.column}"'


@cache
def _conversions_of(model: Any) -> list[tuple[int, Callable[[str], Any]]]:
    """List the columns whose text is converted, by their number, with the conversion."""
    return [
        (index, _read_time if isinstance(field, models.DateTimeField) else _read_json)
        for index, field in enumerate(model._meta.concrete_fields)
        if isinstance(field, models.DateTimeField | models.JSONField)
    ]


@lru_cache(maxsize=4096)  # many rows of a transaction have the same time
def _read_time(text: str) -> str | None:
    """Convert PostgreSQL's text of a time to that of `timestamp`.

    Raises:
        ValueError: for an infinite time, or a year without four digits.
    """
    if text[26:] == "+00" and text[10] == " ":
        return f"{text[:10]}T{text[11:26]}Z"
    return timestamp(datetime.fromisoformat(text))


def _read_json(text: str) -> Any:
    return JSON_NULL if text == "null" else load_json(text)
