"""Light rows: the columns and records of a model, read several times faster than instances.

Verification reads the whole record. A row has the columns of its model, under the same names, and
the model's record methods (`content_record`, `as_record`, …), so that each record is defined once.
Ids are text, and times are text as `timestamp` formats them, because records and bodies contain
them in this form. A row has nothing else of its model, and cannot be changed or saved.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache, partial
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, cast

import orjson
from django.db import DEFAULT_DB_ALIAS, models

from governance.db.row_mapping import pipelined_rows
from governance.domain.canonical import load_json, timestamp

_Model = TypeVar("_Model", bound=models.Model)
# The types that psycopg returns as text; times and JSON are then converted column by column.
AS_TEXT = ("jsonb", "timestamptz", "uuid")


class RowQuery(NamedTuple):
    """A query for the rows of `model` that satisfy the SQL condition `where`, sorted by `order`."""

    model: type[models.Model]
    where: str
    parameters: Sequence[Any]
    order: str = "id"

    @property
    def statement(self) -> tuple[str, Sequence[Any]]:
        """Return the SQL and its parameters; `rows_of` converts the result."""
        columns, table = _shape_of(self.model).columns, self.model._meta.db_table
        asked = f"SELECT {columns} FROM {table} WHERE {self.where} ORDER BY {self.order}"  # noqa: S608 - ours
        return asked, self.parameters


def read_rows(query: RowQuery, *, using: str = DEFAULT_DB_ALIAS) -> list[Any]:
    """Execute a query and return its rows; it raises what `rows_of` raises."""
    [answer] = pipelined_rows([query.statement], as_text=AS_TEXT, using=using)
    return rows_of(query.model, answer)


def rows_of(model: type[models.Model], answer: Iterable[Sequence[Any]]) -> list[Any]:
    """Make the rows of `model` from a query's result, whose values of `AS_TEXT` types are text.

    Raises:
        ValueError, DataError, RecursionError: for a value that Python cannot hold.
    """
    shape = _shape_of(model)
    columns: list[Iterable[Any]] = list(zip(*answer, strict=True))
    for index, read in shape.readers:
        if columns:
            columns[index] = read(columns[index])
    return list(map(shape.make, zip(*columns, strict=True)))


def make_row(model: type[_Model], values: Mapping[str, Any]) -> _Model:
    """Make the row that `read_rows` would return for these values, by name; the others are None."""
    make = _shape_of(model).make
    return cast("_Model", make([values.get(name) for name in columns_of(model)]))


def columns_of(model: type[models.Model]) -> list[str]:
    """List the names of the columns of a row of `model`, in order."""
    return [field.attname for field in model._meta.concrete_fields]


class _Shape(NamedTuple):
    """A model's columns as SQL, converters of some columns, and the function that makes a row."""

    columns: str
    readers: list[tuple[int, Callable[[Iterable[Any]], list[Any]]]]
    make: Callable[[Iterable[Any]], Any]


@cache
def _shape_of(model: type[models.Model]) -> _Shape:
    names = columns_of(model)
    kind: Any = namedtuple(f"{model.__name__}Row", names)  # type: ignore[misc]
    records = {
        name: member
        for name, member in vars(model).items()
        if name.endswith("_record") or name.startswith("as_")
    }
    kept = {
        "__slots__": (),
        "model": model,
        "pk": property(attrgetter(str(model._meta.pk and model._meta.pk.attname))),
        **records,
    }
    row = type(kind.__name__, (kind,), kept)
    fields = model._meta.concrete_fields
    readers = [
        (index, read)
        for index, field in enumerate(fields)
        for known, read in _READERS.items()
        if isinstance(field, known)
    ]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    return _Shape(columns, readers, partial(tuple.__new__, row))


def _read_times(texts: Iterable[Any]) -> list[Any]:
    return [None if text is None else _read_time(text) for text in texts]


@lru_cache(maxsize=4096)  # many rows of a transaction have the same time
def _read_time(text: str) -> str | None:
    """Convert PostgreSQL's text of a time to that of `timestamp`.

    Raises:
        ValueError: for an infinite time, or a year without four digits.
    """
    if text[26:] == "+00" and text[10] == " ":
        return f"{text[:10]}T{text[11:26]}Z"
    return timestamp(datetime.fromisoformat(text))


def _read_json(texts: Iterable[Any]) -> list[Any]:
    try:
        return [None if text is None else orjson.loads(text) for text in texts]
    except ValueError:
        return [None if text is None else load_json(text) for text in texts]


_READERS: Mapping[type[models.Field[Any, Any]], Callable[[Iterable[Any]], list[Any]]] = {
    models.DateTimeField: _read_times,
    models.JSONField: _read_json,
}
