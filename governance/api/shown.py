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

Kind = type[serializers.BaseSerializer[Any]]
Field = serializers.Field[Any, Any, Any, Any]
Told = Callable[[Any], Any]

_LEFT_OUT: Any = object()  # what stands for a field that need not be there, and is not

# What is shown as it is: numbers, and what came as JSON.
_AS_IT_IS = (
    serializers.FloatField,
    serializers.IntegerField,
    serializers.JSONField,
    serializers.ListField,
)


def shown(kind: Kind, thing: Any) -> Any:
    """The plain value that `kind`, a serializer that needs no context, makes of `thing`."""
    return _teller_of(kind)(thing)  # type: ignore[arg-type]


def shown_each(kind: Kind, things: Iterable[Any]) -> list[Any]:
    """Those of several, in order."""
    return list(map(_teller_of(kind), things))  # type: ignore[arg-type]


def conversion_of(field: Field) -> Told | None:
    """What makes the shown value of one that is not null; None where it is shown as it is."""
    if isinstance(field, _AS_IT_IS):
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
def _teller_of(kind: Kind) -> Told:
    return _teller(kind())


def _teller(serializer: Any) -> Told:
    """What shows a thing that is there, as an object or a list of objects."""
    if isinstance(serializer, serializers.ListSerializer):
        each = _teller(serializer.child)
        return lambda things: list(map(each, things))
    parts = [(str(name), _reader(field)) for name, field in serializer.fields.items()]
    return lambda thing: {
        name: value for name, read in parts if (value := read(thing)) is not _LEFT_OUT
    }


def _reader(field: Any) -> Told:
    """What finds the field's value in a thing, and shows it."""
    if isinstance(field, serializers.SerializerMethodField):
        method: Told = getattr(field.parent, str(field.method_name))
        return method
    fetch = _fetcher(field)
    convert = (
        _teller(field) if isinstance(field, serializers.BaseSerializer) else conversion_of(field)
    )
    if convert is None:
        return fetch

    def read(thing: Any) -> Any:
        value = fetch(thing)
        return value if value is None or value is _LEFT_OUT else convert(value)

    return read


def _fetcher(field: Any) -> Told:
    """Attributes of an object or entries of a dict; where they end early, what is shown instead."""
    steps = [(attrgetter(name), itemgetter(name)) for name in field.source_attrs]
    instead = _instead_of(field)

    def fetch(thing: Any) -> Any:
        try:
            for of_object, of_dict in steps:
                thing = of_dict(thing) if type(thing) is dict else of_object(thing)
        except (AttributeError, KeyError):  # a related row that is not there is one of them
            if instead is empty:
                raise
            return instead
        return thing

    return fetch


def _instead_of(field: Any) -> Any:
    """What is shown where there is nothing to show; `empty` where that is an error."""
    if field.default is not empty:
        return field.default
    if field.allow_null:
        return None
    return empty if field.required else _LEFT_OUT
