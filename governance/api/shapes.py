"""Sparse responses: `fields=` selects fields, `expand=` adds related objects.

A serializer declares the shape, and the schema is generated from it. Here its fields become
columns, so a page is one query for exactly the selected columns, and each row is a dict. Fields
that are no columns, and expansions, are loaded once for the whole page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from governance.api.compiled_serializers import converter_of
from governance.api.errors import InvalidParameterError
from governance.domain.errors import InvalidInputError

Row = Mapping[str, Any]
M = TypeVar("M", bound=Model)
# Returns the field's value by row id; the number of queries does not depend on the number of ids.
Loader = Callable[[Sequence[UUID], Request], Mapping[UUID, Any]]

# Fields whose columns PostgreSQL returns as text already.
_TEXT_FIELDS = (serializers.CharField, serializers.ChoiceField)


class SparseFieldsSerializer(serializers.Serializer[Any]):
    """The base of serializers whose fields a caller may select, so that none is required."""


@dataclass(frozen=True, slots=True)
class LoadedField:
    """A field that `load` reads for a whole page; `default` is for rows without a loaded value."""

    load: Loader
    default: Any = None


@dataclass(frozen=True, slots=True)
class Expansion(LoadedField):
    """A field that is shown only if `expand` names it and the caller has `permission`."""

    permission: str = ""


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A field that is read from the row: its lookup paths, and how its value is shown."""

    paths: tuple[str, ...]
    show: Callable[[Row], Any]


class Shape:
    """A serializer's fields as columns; `loaded` names those that are not columns."""

    def __init__(
        self, serializer: type[serializers.Serializer[Any]], **loaded: LoadedField | Expansion
    ) -> None:
        fields = serializer().fields
        self.declared = [str(name) for name in fields]
        self.columns = dict(_columns({n: f for n, f in fields.items() if n not in loaded}))
        self.loaded = loaded
        self.expansions = {n: one for n, one in loaded.items() if isinstance(one, Expansion)}
        self.names = [name for name in self.declared if name not in self.expansions]

    def rows(self, found: QuerySet[M, Any], request: Request) -> list[dict[str, Any]]:
        """Read all rows of `found` and return them with all fields, without expansions."""
        whole = Selection(self, self.names, [])
        return whole.answers(list(whole.read(found)), request)

    def select(self, request: Request) -> Selection:
        """Parse the parameters `fields` and `expand` of the request.

        Raises:
            InvalidInputError: `invalid_parameter`, for an unknown name.
        """
        fields = _names(request, "fields", [*self.names, *self.expansions]) or self.names
        expand = _names(request, "expand", list(self.expansions))
        if unexpanded := [
            name for name in fields if name in self.expansions and name not in expand
        ]:
            raise _invalid_parameter(
                "fields", f"can name {unexpanded[0]} only with expand={unexpanded[0]}"
            )
        return Selection(self, fields, expand)

    def parameters(self) -> list[OpenApiParameter]:
        """Return the OpenAPI parameters `fields` and `expand`."""
        described = [
            OpenApiParameter(
                "fields",
                _list_of(self.names),
                description="The fields to return, separated by commas; what `expand` names is "
                "returned in addition.",
                explode=False,
                style="form",
            )
        ]
        if self.expansions:
            described.append(
                OpenApiParameter(
                    "expand",
                    _list_of(list(self.expansions)),
                    description="Related objects to add to each result, separated by commas. Each "
                    "needs the permission to read it on its own.",
                    explode=False,
                    style="form",
                )
            )
        return described


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of a shape that one response shows."""

    shape: Shape
    fields: Sequence[str]
    expand: Sequence[str]

    @property
    def permissions(self) -> list[str]:
        """The permissions that the selected expansions need."""
        return [self.shape.expansions[name].permission for name in self.expand]

    def read(self, rows: QuerySet[M, Any]) -> QuerySet[M, Any]:
        """Return a query for the selected columns of `rows`, as dicts; it can still be filtered."""
        paths = dict.fromkeys(path for column in self._columns().values() for path in column.paths)
        if self._loaded():
            paths["id"] = None
        return rows.values(*paths)

    def answers(self, rows: Sequence[Row], request: Request) -> list[dict[str, Any]]:
        """Convert rows that `read` selected into response objects."""
        shows = {name: column.show for name, column in self._columns().items()}
        if loaded := self._loaded():
            ids = [row["id"] for row in rows]
            for name, one in loaded.items():
                shows[name] = _loaded_value(one.load(ids, request), one.default)
        in_order = [(name, shows[name]) for name in self.shape.declared if name in shows]
        return [{name: show(row) for name, show in in_order} for row in rows]

    def _columns(self) -> dict[str, SourceColumn]:
        return {n: column for n, column in self.shape.columns.items() if n in self.fields}

    def _loaded(self) -> dict[str, LoadedField]:
        shown = {*self.fields, *self.expand}
        return {name: loaded for name, loaded in self.shape.loaded.items() if name in shown}


class SparseFieldsExtension(OpenApiSerializerExtension):
    """The description of sparse responses: no field is required, since callers may omit any."""

    target_class = "governance.api.shapes.SparseFieldsSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        shape = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {name: keyword for name, keyword in shape.items() if name != "required"}


def _columns(
    fields: Mapping[str, serializers.Field[Any, Any, Any, Any]], prefix: str = ""
) -> Iterator[tuple[str, SourceColumn]]:
    for name, field in fields.items():
        path = prefix + str(field.source).replace(".", "__")
        if isinstance(field, serializers.ModelSerializer):
            yield name, _related(path, dict(_columns(field.fields, f"{path}__")))
        elif isinstance(field, serializers.SerializerMethodField):
            raise TypeError(f"{name} is not a column: declare how it is loaded.")
        elif isinstance(field, _TEXT_FIELDS) or not (convert := converter_of(field)):
            yield name, SourceColumn((path,), itemgetter(path))
        else:
            yield name, _converted(path, convert)


def _converted(path: str, convert: Callable[[Any], Any]) -> SourceColumn:
    def show(row: Row) -> Any:
        value = row[path]
        return None if value is None else convert(value)

    return SourceColumn((path,), show)


def _loaded_value(values: Mapping[UUID, Any], default: Any) -> Callable[[Row], Any]:
    return lambda row: values.get(row["id"], default)


def _related(path: str, columns: Mapping[str, SourceColumn]) -> SourceColumn:
    """Return the column of a related row, shown as an object, or null without one."""
    presence = f"{path}__pk"

    def show(row: Row) -> Any:
        if row[presence] is None:
            return None
        return {name: column.show(row) for name, column in columns.items()}

    return SourceColumn((presence, *(p for column in columns.values() for p in column.paths)), show)


def _names(request: Request, parameter: str, known: Iterable[str]) -> list[str]:
    """Parse the names that a parameter lists; an absent parameter gives an empty list.

    Raises:
        InvalidInputError: `invalid_parameter`, for a name that is not in `known`.
    """
    if (text := request.query_params.get(parameter)) is None:
        return []
    names = text.split(",")
    if unknown := [name for name in names if name not in known]:
        raise _invalid_parameter(parameter, f"has no {unknown[0]!r}; it accepts {', '.join(known)}")
    return list(dict.fromkeys(names))


def _invalid_parameter(parameter: str, message: str) -> InvalidInputError:
    return InvalidParameterError.at(parameter, message)


def _list_of(names: list[str]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string", "enum": names}, "minItems": 1}
