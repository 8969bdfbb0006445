"""Serialization of responses, and its selection by the caller: `fields=` and `expand=`.

A serializer declares the shape of a response; the schema is generated from it. The columns and
relations that a page reads are those that the selected fields show, in one query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC
from functools import lru_cache
from typing import Any, ClassVar, TypeVar

from django.db.models import DateTimeField, Model, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from governance.api.errors import InvalidParameterError

M = TypeVar("M", bound=Model)
AnySerializer = serializers.Serializer[Any]
Action = TypeVar("Action", bound=Callable[..., Any])


class UtcDateTimeField(serializers.DateTimeField):
    """A time in UTC.

    DRF's own field looks up the current time zone for every value, which takes a quarter of the
    time of serializing a contract.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=UTC, **options)


class ResponseSerializer(serializers.Serializer[Any]):
    """The base of serializers that only show: all their fields are read-only."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for field in fields.values():
            field.read_only = True
        return fields


class RowSerializer(ResponseSerializer, serializers.ModelSerializer[M]):
    """The base of serializers that show a row.

    They show the fields that `Meta` names, then the other declared ones.
    """

    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        DateTimeField: UtcDateTimeField
    }

    def get_field_names(self, declared_fields: Mapping[str, Any], info: Any) -> list[str]:
        return list(dict.fromkeys((*self.Meta.fields, *declared_fields)))

    def include_extra_kwargs(self, kwargs: Any, extra_kwargs: Any) -> Any:
        return super().include_extra_kwargs(kwargs, {**extra_kwargs, "read_only": True})


class SparseFieldsSerializer(serializers.Serializer[Any]):
    """The base of serializers whose fields a caller may select, so that none is required.

    `expansions` are the fields that are shown only if `expand` names them, each with the
    permission to read it.
    """

    expansions: ClassVar[Mapping[str, str]] = {}


@lru_cache(maxsize=256)
def serializer_of(kind: type[AnySerializer], names: tuple[str, ...] | None = None) -> AnySerializer:
    """Return the serializer of this class with the fields `names`, by default with all of them.

    Each is made once, because DRF copies every field for a new serializer, which takes ten times
    as long as serializing an object. It must need no context.
    """
    serializer = kind()
    for name in set(serializer.fields) - set(serializer.fields if names is None else names):
        del serializer.fields[name]
    return serializer


def serialize(kind: type[AnySerializer], thing: Any) -> Any:
    """Serialize an object with all fields of the serializer class `kind`."""
    return serializer_of(kind).to_representation(thing)


def selected_names(kind: type[SparseFieldsSerializer], request: Request) -> tuple[str, ...]:
    """Return the fields that the parameters `fields` and `expand` of the request select.

    Raises:
        InvalidParameterError: for an unknown name.
    """
    declared = [str(name) for name in serializer_of(kind).fields]
    expand = _names(request, "expand", kind.expansions)
    fields = _names(request, "fields", declared) or _plain_names(kind)
    for name in fields:
        if name in kind.expansions and name not in expand:
            raise _invalid_parameter("fields", f"can name {name} only with expand={name}")
    return tuple(name for name in declared if name in {*fields, *expand})


def selectable_fields(
    operation_id: str, summary: str, kind: type[SparseFieldsSerializer], *, many: bool = False
) -> Callable[[Action], Action]:
    """Decorate an action of a viewset that shows those fields of `kind` that the caller selects."""

    def decorate(action: Action) -> Action:
        action.shows = kind  # type: ignore[attr-defined]
        return extend_schema(
            operation_id=operation_id,
            summary=summary,
            parameters=_selection_parameters(kind),
            responses=kind(many=many),
        )(action)

    return decorate


def _selection_parameters(kind: type[SparseFieldsSerializer]) -> list[OpenApiParameter]:
    """Return the OpenAPI parameters `fields` and, if there is anything to expand, `expand`."""
    fields = _list_parameter(
        "fields",
        _plain_names(kind),
        "The fields to return, separated by commas; what `expand` names is returned in addition.",
    )
    expand = _list_parameter(
        "expand",
        list(kind.expansions),
        "Related objects to add to each result, separated by commas. Each needs the permission to "
        "read it on its own.",
    )
    return [fields, expand] if kind.expansions else [fields]


def read_columns(
    rows: QuerySet[M, Any], serializer: AnySerializer, *order: str
) -> QuerySet[M, Any]:
    """Let `rows` read the columns that `serializer` shows and those of `order`, in one query."""
    columns = {*order, *_columns(serializer)}
    relations = {column.rpartition("__")[0] for column in columns} - {""}
    if relations:
        rows = rows.select_related(*relations)
    return rows.only(*columns)


def _columns(serializer: AnySerializer, prefix: str = "") -> Iterator[str]:
    """Return the lookup paths of the columns that a serializer shows.

    Fields that are no columns, such as method fields, are read on their own.
    """
    for field in serializer.fields.values():
        path = prefix + str(field.source).replace(".", "__")
        if isinstance(field, serializers.ModelSerializer):
            yield from _columns(field, f"{path}__")
        elif field.source != "*" and not isinstance(field, serializers.Serializer):
            yield path


def _plain_names(kind: type[SparseFieldsSerializer]) -> list[str]:
    return [str(name) for name in serializer_of(kind).fields if name not in kind.expansions]


def _names(request: Request, parameter: str, known: Iterable[str]) -> list[str]:
    """Parse the names that a parameter lists; an absent parameter gives an empty list.

    Raises:
        InvalidParameterError: for a name that is not in `known`.
    """
    if (text := request.query_params.get(parameter)) is None:
        return []
    names = text.split(",")
    for name in names:
        if name not in known:
            raise _invalid_parameter(parameter, f"has no {name!r}; it accepts {', '.join(known)}")
    return names


def _invalid_parameter(parameter: str, message: str) -> InvalidParameterError:
    return InvalidParameterError.at(parameter, message)


def _list_parameter(name: str, values: list[str], description: str) -> OpenApiParameter:
    schema = {"type": "array", "items": {"type": "string", "enum": values}, "minItems": 1}
    return OpenApiParameter(name, schema, description=description, explode=False, style="form")
