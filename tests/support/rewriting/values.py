"""Random values for a column that differ from the present one, if only by their type."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models

ATTEMPTS = 100
MOMENTS = (
    timedelta(microseconds=1),
    timedelta(microseconds=-1),
    timedelta(seconds=1),
    timedelta(hours=-1),
    timedelta(days=400),
)


def another(field: Any, value: Any, draw: Random, people: Sequence[int]) -> Any:
    """Return a value for `field` that differs from `value` in substance."""
    for _ in range(ATTEMPTS):
        drawn = _any(field, value, draw, people)
        if substance(drawn) != substance(value) and (value is not None or drawn != ""):
            return drawn
    raise AssertionError(f"no other value was found for {field}: {value!r}")


def substance(value: Any) -> Any:
    """Return a form of a JSON value that is equal for values that mean the same.

    1 equals 1.0, but neither true nor "1". The order of keys does not matter. NULL equals null.
    """
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, int | float):
        return ("number", float(value))
    if isinstance(value, list):
        return ["list", *map(substance, value)]
    if isinstance(value, dict):
        return {key: substance(child) for key, child in value.items()}
    if isinstance(value, memoryview):
        return bytes(value)
    return value


# The references to contracts and jobs, whose ids are UUIDs even where the column is null.
_IDS = ("contract_id", "job_id", "parent_id", "repeats_id", "rolls_back_id")


def adapted(field: Any, value: Any) -> Any:
    """Convert `value` to what psycopg accepts for the column of `field`."""
    if isinstance(field, models.JSONField):
        return None if value is None else json.dumps(value, ensure_ascii=False)
    return bytes(value) if isinstance(value, memoryview) else value


def _any(field: Any, value: Any, draw: Random, people: Sequence[int]) -> Any:
    if field.null and value is not None and draw.random() < 0.15:
        return None
    if field.remote_field is not None:
        if isinstance(value, UUID) or field.attname in _IDS:
            return UUID(int=draw.getrandbits(128))
        if field.attname == "audit_id":
            return value + draw.randint(1_000_000, 2_000_000)
        return draw.choice(people)
    if isinstance(field, models.JSONField):
        return other_json(value, draw)
    if isinstance(field, models.BooleanField):
        return not value
    if isinstance(field, models.DateTimeField):
        return (value or datetime(2026, 11, 3, 12, tzinfo=UTC)) + draw.choice(MOMENTS)
    if isinstance(field, ArrayField):
        return _other_list(list(value), draw, lambda name: other_text(name, draw))
    if isinstance(field, models.FloatField):
        return draw.choice([math.nextafter(value or 0.5, 1), 1 - (value or 0), 0.0, 1.0])
    if isinstance(field, models.IntegerField):
        return max(0, (value or 0) + draw.choice([-1, 1, 1, 7]))
    if isinstance(field, models.BinaryField):
        return _other_bytes(bytes(value), draw)
    if isinstance(field, models.UUIDField):
        return UUID(int=draw.getrandbits(128))
    if field.choices and draw.random() < 0.6:
        return draw.choice([word for word, _ in field.choices])
    return other_text(value or "", draw, longest=field.max_length)


def other_text(text: str, draw: Random, *, longest: int | None = None) -> str:
    """Return a variation of `text`, which may look the same to a reader."""
    index = draw.randrange(len(text) + 1)
    options = [
        unicodedata.normalize("NFD", text),
        unicodedata.normalize("NFC", text),
        text.swapcase(),
        text + " ",
        text.replace(" ", "\u00a0", 1),
        text[:index] + "\u200b" + text[index:],
        text[:index] + draw.choice("abc0.é") + text[index + 1 :],
        text[:-1],
        text[::-1],
        "",
        "None",
    ]
    return draw.choice(options)[:longest]


def other_json(value: Any, draw: Random) -> Any:
    """Change one thing within a JSON value: a value, a type, a key, an order or a length."""
    if isinstance(value, dict) and value:
        key = draw.choice(sorted(value))
        way = draw.random()
        if way < 0.7:
            return value | {key: other_json(value[key], draw)}
        rest = {name: child for name, child in value.items() if name != key}
        return rest | ({other_text(key, draw): value[key]} if way < 0.85 else {})
    if isinstance(value, list):
        return _other_list(value, draw, lambda child: other_json(child, draw))
    if isinstance(value, dict):
        return draw.choice([None, [], {"": None}])
    return draw.choice(_retyped(value, draw))


def _retyped(value: Any, draw: Random) -> list[Any]:
    if value is None:
        return [False, 0, "", "null", {}, []]
    if isinstance(value, bool):
        return [int(value), not value, str(value).lower(), None]
    if isinstance(value, int | float):
        return [value + 1, -value, str(value), value + 0.5, bool(value), 2**60 + 1, [value]]
    return [other_text(value, draw), None, [value], {"": value}]


def _other_list(values: list[Any], draw: Random, change: Callable[[Any], Any]) -> list[Any]:
    if not values:
        return [None]
    index = draw.randrange(len(values))
    return draw.choice(
        [
            [*values[:index], change(values[index]), *values[index + 1 :]],
            [*values[:index], change(values[index]), *values[index + 1 :]],
            values[:index] + values[index + 1 :],
            values[: index + 1] + values[index:],
            values[::-1],
            values[index:] + values[:index],
        ]
    )


def _other_bytes(value: bytes, draw: Random) -> bytes:
    index = draw.randrange(len(value)) if value else 0
    flipped = bytes([value[index] ^ (1 << draw.randrange(8))]) if value else b"\x00"
    return draw.choice(
        [value[:index] + flipped + value[index + 1 :], value[:-1], value[::-1], bytes(32), b""]
    )
