"""Rows as PostgreSQL sends them: what a model's row says, at a fraction of its cost.

Whoever verifies the record reads all of it. A row here has the model's columns by the same names,
and the model's own records (`content_record`, `as_record`, …), so that what the ledger binds is
said in one place. Ids are texts, and times are texts as `timestamp` writes them, for that is how
records and bodies have them. It has nothing else of a model, and cannot be changed or saved.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from operator import attrgetter
from typing import Any, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connections, models
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.types.string import TextLoader

from governance.vocabulary.canonical import load_json, timestamp

_Model = TypeVar("_Model", bound=models.Model)
_WITH_MICROSECONDS = len("2026-11-02 09:00:00.000005+00")


class _JsonLoader(Loader):
    def load(self, data: Buffer) -> Any:
        return load_json(bytes(data))


class _TimeLoader(Loader):
    """Raises ValueError for a time that has no end, or no four-digit year."""

    def load(self, data: Buffer) -> str | None:
        text = bytes(data).decode()
        if len(text) == _WITH_MICROSECONDS and text[10] == " " and text.endswith("+00"):
            return f"{text[:10]}T{text[11:26]}Z"
        return timestamp(datetime.fromisoformat(text))


_LOADERS = {"jsonb": _JsonLoader, "timestamptz": _TimeLoader, "uuid": TextLoader}


def read_rows(
    model: type[_Model],
    where: str,
    parameters: Sequence[Any],
    *,
    order: str = "id",
    using: str = DEFAULT_DB_ALIAS,
) -> list[_Model]:
    """The rows of `model` for which the SQL condition `where` holds, in this order.

    They are called what they stand for: `model`. Raises ValueError, DataError or RecursionError
    for what Python cannot hold.
    """
    columns, make = _shape_of(model)
    with connections[using].cursor() as cursor:
        for name, loader in _LOADERS.items():
            cursor.cursor.adapters.register_loader(name, loader)
        cursor.execute(
            f"SELECT {columns} FROM {model._meta.db_table} WHERE {where} ORDER BY {order}",  # noqa: S608 - ours
            parameters,
        )
        return [cast("_Model", make(row)) for row in cursor.fetchall()]


def make_row(model: type[_Model], values: Mapping[str, Any]) -> _Model:
    """The row that `read_rows` would have made of these `values`, by name; others are None."""
    _, make = _shape_of(model)
    return cast("_Model", make([values.get(name) for name in columns_of(model)]))


def columns_of(model: type[models.Model]) -> list[str]:
    """What a row of `model` holds, by name, in order."""
    return [field.attname for field in model._meta.concrete_fields]


@cache
def _shape_of(model: type[models.Model]) -> tuple[str, Callable[[Sequence[Any]], Any]]:
    """The model's columns as SQL, and what makes a row of their values."""
    names = columns_of(model)
    kind: Any = namedtuple(f"{model.__name__}Row", names)  # type: ignore[misc]
    records = {
        name: said
        for name, said in vars(model).items()
        if name.endswith("_record") or name.startswith("as_")
    }
    kept = {
        "__slots__": (),
        "pk": property(attrgetter(str(model._meta.pk and model._meta.pk.attname))),
        **records,
    }
    row = type(kind.__name__, (kind,), kept)
    columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
    return columns, partial(tuple.__new__, row)
