"""The fast canonical JSON against the `rfc8785` package: same bytes, or both refuse."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

import orjson
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.domain import canonical
from governance.domain.canonical import MAX_NUMBER, canonical_bytes, canonical_text, digest
from governance.domain.values import ContractStatus

# Risky characters: escapes, and those whose order differs between UTF-16 and UTF-8.
ODD_TEXT = st.text(
    st.sampled_from(
        'aé"\\/\b\t\n\f\r\x00\x01\x1f\x7f\x80\u2028\ud7ff\ue000\ufb33\uffff\U00010000\U0001f600'
    )
    | st.characters(),
    max_size=6,
)
ODD_FLOATS = (
    st.floats()
    | st.integers(-(2**60), 2**60).map(float)
    | st.tuples(st.floats(-10, 10), st.integers(-12, 22)).map(
        lambda made: made[0] * 10.0 ** made[1]
    )
    | st.sampled_from([0.0, -0.0, 1e-4, 9.999e-5, 1e-6, 1e-7, 1e15, 1e16, 1e21, 5e-324, 0.1 + 0.2])
)
ODD_INTEGERS = (
    st.integers()
    | st.integers(MAX_NUMBER - 2, MAX_NUMBER + 2)
    | st.integers(-MAX_NUMBER - 2, -MAX_NUMBER + 2)
)
LEAVES = (
    st.none()
    | st.booleans()
    | ODD_INTEGERS
    | ODD_FLOATS
    | ODD_TEXT
    | st.sampled_from(ContractStatus)
)
# Keys that are not strings and lone surrogates are among these; both are refused.
ODD_KEYS = ODD_TEXT | st.sampled_from([0, 1, True, False, None, 1.5])


def odd_json(
    keys: st.SearchStrategy[Any], leaves: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    def around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        lists = st.lists(inner, max_size=4)
        return lists | lists.map(tuple) | st.dictionaries(keys, inner, max_size=4)

    return st.recursive(leaves, around, max_leaves=12)


def bytes_or_error(serialize: Callable[[Any], Any], value: Any) -> Any:
    """Return the serialized bytes, or the type of the ValueError."""
    try:
        return serialize(value)
    except ValueError as refusal:
        return type(refusal)


@settings(max_examples=1500)
@given(odd_json(ODD_KEYS, LEAVES))
def test_canonical_bytes__of_anything__what_rfc8785_writes_or_refuses(value: Any) -> None:
    assert bytes_or_error(canonical_bytes, value) == bytes_or_error(rfc8785.dumps, value)


@settings(max_examples=1500)
@given(st.dictionaries(ODD_TEXT, ODD_INTEGERS | ODD_TEXT | ODD_FLOATS, min_size=2, max_size=6))
def test_canonical_bytes__of_an_object__what_rfc8785_writes_or_refuses(value: Any) -> None:
    assert bytes_or_error(canonical_bytes, value) == bytes_or_error(rfc8785.dumps, value)


@settings(max_examples=3000)
@given(ODD_FLOATS)
def test_canonical_bytes__of_a_number__what_rfc8785_writes_or_refuses(value: float) -> None:
    assert bytes_or_error(canonical_bytes, [value]) == bytes_or_error(rfc8785.dumps, [value])


@pytest.mark.parametrize("exponent", range(-8, 18))
def test_canonical_bytes__numbers_around_a_power_of_ten__what_rfc8785_writes(exponent: int) -> None:
    near = 10.0**exponent
    for _ in range(20):
        near = math.nextafter(near, 0)
    for _ in range(40):
        near = math.nextafter(near, math.inf)
        assert canonical_bytes([near, -near]) == rfc8785.dumps([near, -near])


@pytest.mark.parametrize("after", ["\ue000", "\uefff", "\uf000", "\uffff"])
@pytest.mark.parametrize(
    "pair", ["\U00010000", "\U0001f600", "\U00040000", "\U00080000", "\U0010ffff"]
)
def test_canonical_bytes__keys_that_utf16_orders_otherwise__in_its_order(
    after: str, pair: str
) -> None:
    assert canonical_text({after: 1, pair: 2, "a": 3}) == f'{{"a":3,"{pair}":2,"{after}":1}}'


class Colour(Enum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


class Loud(str):
    __slots__ = ()


@dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    "value",
    [
        UUID(int=1),
        datetime(2026, 11, 2, tzinfo=UTC),
        datetime(2026, 11, 2, tzinfo=UTC).date(),
        Colour.RED,
        Point(1),
        b"x",
        {1},
        orjson.Fragment(b'{"a":1}'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_canonical_bytes__what_is_no_json_though_orjson_writes_it__refused(value: Any) -> None:
    for around in (value, [value], {"a": [value]}):
        with pytest.raises(rfc8785.CanonicalizationError):
            canonical_bytes(around)


@pytest.mark.parametrize(
    "value", [Size.SMALL, Loud("\u20ac"), {Loud("a"): 1}, {"a": 1, Loud("b"): 2}]
)
def test_canonical_bytes__of_a_kind_of_text_or_number__its_value(value: Any) -> None:
    assert canonical_bytes([value]) == rfc8785.dumps([value])


def test_canonical_bytes__deeper_than_orjson_goes__what_rfc8785_writes() -> None:
    value: Any = 1
    for _ in range(300):
        value = [value]
    assert canonical_bytes(value) == b"[" * 300 + b"1" + b"]" * 300


@pytest.mark.parametrize("nested", [1, 300])
def test_digest__expected_of_what_orjson_cannot_write__as_if_nothing_was_expected(
    nested: int,
) -> None:
    value: Any = Loud("\u20ac") if nested == 1 else 1
    for _ in range(nested):
        value = [value]
    serialized = canonical_bytes(value)
    assert digest(value, expected="") == digest(value) == hashlib.sha256(serialized).hexdigest()


def test_canonical_bytes__of_what_holds_itself__ends() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(RecursionError):
        canonical_bytes(value)


ENTRY = {"seq": 7, "reason": "Größer als 😀", "step_index": None, "records": {"é": [True, 2.5]}}


@pytest.mark.parametrize("value", [ENTRY, [], {}, "x", 0, -5, None, ContractStatus.DRAFT])
def test_canonical_bytes__of_what_is_usual__without_the_slow_way(
    value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = rfc8785.dumps(value)
    monkeypatch.setattr(canonical, "rfc8785", None)
    assert canonical_bytes(value) == expected
    assert canonical_text(value) == expected.decode()
    assert len(digest(value)) == 64
