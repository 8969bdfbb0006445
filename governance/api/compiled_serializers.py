"""What is shown of a thing, as its serializer declares it: a serializer is read once a process.

rest_framework asks each field anew, for each thing, what it is and where it comes from. Here a
serializer becomes one function, which only fetches and converts; what a field of ours says of
itself (its source, its default, that it may be null) holds as it does there.
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

_OMITTED: Any = object()  # what stands for a field that need not be there, and is not

# What is shown as it is: numbers, and what came as JSON.
_UNCONVERTED = (
    serializers.FloatField,
    serializers.IntegerField,
    serializers.JSONField,
    serializers.ListField,
)


def serialize(serializer_class: SerializerClass, thing: Any) -> Any:
    """Return the plain value that `serializer_class`, which needs no context, makes of `thing`."""
    return _compiled(serializer_class)(thing)  # type: ignore[arg-type]


def serialize_each(serializer_class: SerializerClass, things: Iterable[Any]) -> list[Any]:
    """Those of several, in order."""
    return list(map(_compiled(serializer_class), things))  # type: ignore[arg-type]


def converter_of(field: Field) -> FieldConverter | None:
    """What makes the shown value of one that is not null; None where it is shown as it is."""
    if isinstance(field, _UNCONVERTED):
        return None
    if isinstance(field, serializers.CharField | serializers.ChoiceField | serializers.UUIDField):
        return str
    if isinstance(field, serializers.DateTimeField):
        return _rfc_3339
    return field.to_representation


def _rfc_3339(at: datetime) -> str:
    """As DRF's own field shows a time: in UTC, which is what we and the database give out."""
    return at.isoformat().replace("+00:00", "Z")


@cache
def _compiled(serializer_class: SerializerClass) -> FieldConverter:
    return _compile(serializer_class())


def _compile(serializer: Any) -> FieldConverter:
    """What shows a thing that is there, as an object or a list of objects."""
    if isinstance(serializer, serializers.ListSerializer):
        each = _compile(serializer.child)
        return lambda things: list(map(each, things))
    parts = [(str(name), _compile_field(field)) for name, field in serializer.fields.items()]
    return lambda thing: {
        name: value for name, read in parts if (value := read(thing)) is not _OMITTED
    }


def _compile_field(field: Any) -> FieldConverter:
    """What finds the field's value in a thing, and shows it."""
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
    """Attributes of an object or entries of a dict; where they end early, what is shown instead."""
    steps = [(attrgetter(name), itemgetter(name)) for name in field.source_attrs]
    fallback = _default_of(field)

    def fetch(thing: Any) -> Any:
        try:
            for of_object, of_dict in steps:
                thing = of_dict(thing) if type(thing) is dict else of_object(thing)
        except (AttributeError, KeyError):  # a related row that is not there is one of them
            if fallback is empty:
                raise
            return fallback
        return thing

    return fetch


def _default_of(field: Any) -> Any:
    """What is shown where there is nothing to show; `empty` where that is an error."""
    if field.default is not empty:
        return field.default
    if field.allow_null:
        return None
    return empty if field.required else _OMITTED
