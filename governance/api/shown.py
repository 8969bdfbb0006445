"""What is shown of a thing: one serializer a kind, made once, for what only reads.

rest_framework makes a serializer's fields anew for each answer, which costs more than filling them.
Ours hold nothing of what they show, so that all answers of a process can share one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from rest_framework import serializers

Kind = type[serializers.BaseSerializer[Any]]


def shown(kind: Kind, thing: Any) -> Any:
    """The plain value that `kind`, a serializer that needs no context, makes of `thing`."""
    return _only_one(kind).to_representation(thing)  # type: ignore[arg-type]


def shown_each(kind: Kind, things: Iterable[Any]) -> list[Any]:
    """Those of several, in order."""
    return [shown(kind, thing) for thing in things]


@cache
def _only_one(kind: Kind) -> serializers.BaseSerializer[Any]:
    return kind()
