"""Response serializers, compiled into plain functions once per process.

DRF examines every field again for every object. Here a serializer becomes one function that only
fetches and converts values. `source`, `default` and `allow_null` mean the same as in DRF, for the
kinds of fields that this API uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

SerializerClass = type[serializers.BaseSerializer[Any]]
Field = serializers.Field[Any, Any, Any, Any]
FieldConverter = Callable[[Any], Any]

_OMITTED: Any = object()  # the value of an optional field that the object does not have

# Fields whose values are shown unchanged: numbers and JSON.
_UNCONVERTED = (
    serializers.FloatField,
    serializers.IntegerField,
    serializers.JSONField,
    serializers.ListField,
)


def serialize(serializer_class: SerializerClass, thing: Any) -> Any:
    """Serialize an object with `serializer_class`, which must not need a context."""
    return _compiled(serializer_class)(thing)  # type: ignore[arg-type]


def serialize_each(serializer_class: SerializerClass, things: Iterable[Any]) -> list[Any]:
    """Serialize several objects, in order."""
    return list(map(_compiled(serializer_class), things))  # type: ignore[arg-type]


def converter_of(field: Field) -> FieldConverter | None:
    """Return the function that converts a value that is not null; None for no conversion."""
    if isinstance(field, _UNCONVERTED):
        return None
    if isinstance(field, serializers.CharField | serializers.ChoiceField | serializers.UUIDField):
        return str
    if isinstance(field, serializers.DateTimeField):
        return _rfc_3339
    return field.to_representation


def _rfc_3339(at: datetime) -> str:
    """Format a time in UTC as DRF's own field does; the database returns times in UTC."""
    return at.isoformat().replace("+00:00", "Z")


@cache
def _compiled(serializer_class: SerializerClass) -> FieldConverter:
    return _compile(serializer_class())


def _compile(serializer: Any) -> FieldConverter:
    """Compile a serializer into a function from an object to a dict, or from a list to a list."""
    if isinstance(serializer, serializers.ListSerializer):
        each = _compile(serializer.child)
        return lambda things: list(map(each, things))
    parts = [(str(name), _compile_field(field)) for name, field in serializer.fields.items()]
    return lambda thing: {
        name: value for name, read in parts if (value := read(thing)) is not _OMITTED
    }


def _compile_field(field: Any) -> FieldConverter:
    """Compile a field into a function that fetches and converts its value."""
    if isinstance(field, serializers.SerializerMethodField):
        method: FieldConverter = getattr(field.parent, str(field.method_name))
        return method
    fetch = _compile_source(field)
    convert = (
        _compile(field) if isinstance(field, serializers.BaseSerializer) else converter_of(field)
    )
    if convert is None:
        return fetch

    def read(thing: Any) -> Any:
        value = fetch(thing)
        return value if value is None or value is _OMITTED else convert(value)

    return read


def _compile_source(field: Any) -> FieldConverter:
    """Compile a field's source into a function that follows attributes or dict keys.

    The function returns the field's default where an attribute or key is missing.
    """
    steps = [(attrgetter(name), itemgetter(name)) for name in field.source_attrs]
    fallback = _default_of(field)

    def fetch(thing: Any) -> Any:
        try:
            for of_object, of_dict in steps:
                thing = of_dict(thing) if type(thing) is dict else of_object(thing)
        except (
            AttributeError,
            KeyError,
        ):  # Django raises an AttributeError for a missing related row
            if fallback is empty:
                raise
            return fallback
        return thing

    return fetch


def _default_of(field: Any) -> Any:
    """Return the value for a missing source; `empty` if a missing source is an error."""
    if field.default is not empty:
        return field.default
    if field.allow_null:
        return None
    return empty if field.required else _OMITTED
