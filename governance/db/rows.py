"""Handwritten SQL statements, and instances of models from their rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db import connection
from django.db.models import JSONField, Model

from governance.domain.canonical import load_json

_M = TypeVar("_M", bound=Model)


def fetch_rows(sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Execute a statement that returns rows, and return all of them."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def array_literal(values: Iterable[Any]) -> str:
    """Format texts, numbers or ids as an array whose type PostgreSQL takes from the statement."""
    quoted = (str(one).replace("\\", "\\\\").replace('"', '\\"') for one in values)
    return "{" + ",".join(f'"{one}"' for one in quoted) + "}"


class Columns:
    """The columns of a model in a handwritten statement.

    Args:
        alias: the table's name in the statement.
        omit: the names of fields that are not read; an instance reads them on first use.
    """

    def __init__(self, model: type[Model], alias: str, *, omit: Collection[str] = ()) -> None:
        fields = [field for field in model._meta.concrete_fields if field.name not in omit]
        self.model = model
        self.sql = ", ".join(f'{alias}."{field.column}"' for field in fields)
        self.number = len(fields)
        self._names = [field.attname for field in fields]
        self._json = [index for index, field in enumerate(fields) if isinstance(field, JSONField)]

    def instance(self, row: Sequence[Any]) -> Any:
        """Make an instance of the first `number` values of a row, as Django's own queries do."""
        values = list(row[: self.number])
        for index in self._json:
            if values[index] is not None:
                values[index] = load_json(values[index])
        return self.model.from_db(connection.alias, self._names, values)


def instance_from_json(model: type[_M], columns: Mapping[str, Any]) -> _M:
    """Make an instance of the columns that PostgreSQL's `to_json` wrote of a row.

    The instance reads other columns on first use.
    """
    fields = [field for field in model._meta.concrete_fields if field.column in columns]
    return model.from_db(
        connection.alias,
        [field.attname for field in fields],
        [field.to_python(columns[str(field.column)]) for field in fields],
    )


def mark_absent(row: Model, *relations: str) -> None:
    """Let these relations of a row read as absent, because they are known not to exist yet."""
    for relation in relations:
        field: Any = row._meta.get_field(relation)
        field.set_cached_value(row, None)
