"""Rows as PostgreSQL sends them: what a model's row says, at a fraction of its cost.

Whoever verifies the record reads all of it. A row here has the model's columns by the same names,
and the model's own records (`content_record`, `as_record`, …), so that what the ledger binds is
said in one place. Ids are texts, and times are texts as `timestamp` writes them, for that is how
records and bodies have them. It has nothing else of a model, and cannot be changed or saved.
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
# What psycopg hands over as it came; times and JSON are then read a column at a time.
AS_TEXT = ("jsonb", "timestamptz", "uuid")


class RowQuery(NamedTuple):
    """The rows of `model` for which the SQL condition `where` holds, in this order."""

    model: type[models.Model]
    where: str
    parameters: Sequence[Any]
    order: str = "id"

    @property
    def statement(self) -> tuple[str, Sequence[Any]]:
        """The SQL that asks this, and its parameters; `rows_of` reads what PostgreSQL answers."""
        columns, table = _shape_of(self.model).columns, self.model._meta.db_table
        asked = f"SELECT {columns} FROM {table} WHERE {self.where} ORDER BY {self.order}"  # noqa: S608 - ours
        return asked, self.parameters


def read_rows(query: RowQuery, *, using: str = DEFAULT_DB_ALIAS) -> list[Any]:
    """The rows that the question is about; one query. Raises what `rows_of` raises."""
    [answer] = pipelined_rows([query.statement], as_text=AS_TEXT, using=using)
    return rows_of(query.model, answer)


def rows_of(model: type[models.Model], answer: Iterable[Sequence[Any]]) -> list[Any]:
    """The rows in the answer to a question about `model`, whose values came `AS_TEXT`.

    They are called what they stand for: their model. Raises ValueError, DataError or
    RecursionError for what Python cannot hold.
    """
    shape = _shape_of(model)
    columns: list[Iterable[Any]] = list(zip(*answer, strict=True))
    for index, read in shape.readers:
        if columns:
            columns[index] = read(columns[index])
    return list(map(shape.make, zip(*columns, strict=True)))


def make_row(model: type[_Model], values: Mapping[str, Any]) -> _Model:
    """The row that `read_rows` would have made of these `values`, by name; others are None."""
    make = _shape_of(model).make
    return cast("_Model", make([values.get(name) for name in columns_of(model)]))


def columns_of(model: type[models.Model]) -> list[str]:
    """What a row of `model` holds, by name, in order."""
    return [field.attname for field in model._meta.concrete_fields]


class _Shape(NamedTuple):
    """A model's columns as SQL, how those at some places are read, and what makes a row."""

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


@lru_cache(maxsize=4096)  # a story happens at few moments, which stand in many of its rows
def _read_time(text: str) -> str | None:
    """A time as `timestamp` writes it. Raises ValueError for one that has no end, or no four-digit
    year."""
    if text[26:] == "+00" and text[10] == " ":
        return f"{text[:10]}T{text[11:26]}Z"
    return timestamp(datetime.fromisoformat(text))


def _read_json(texts: Iterable[Any]) -> list[Any]:
    try:
        return [None if text is None else orjson.loads(text) for text in texts]
    except ValueError:
        return [None if text is None else load_json(text) for text in texts]


_READERS: Mapping[type[models.Field], Callable[[Iterable[Any]], list[Any]]] = {
    models.DateTimeField: _read_times,
    models.JSONField: _read_json,
}
