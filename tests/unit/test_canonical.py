"""Which JSON values may enter a record, and their canonical JSON."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.domain.canonical import (
    MAX_NUMBER,
    canonical_bytes,
    canonical_text,
    digest,
    load_json,
    sha256_hex,
    timestamp,
)
from governance.domain.errors import InvalidInputError, NumberNotExactError
from governance.domain.strict_json import (
    MAX_DOCUMENT_BYTES,
    MAX_NESTING,
    _cut_at_max_nesting,
    load_strict_json,
    require_plain_json,
)
from tests.support.json_values import plain_json

# Derived by hand from RFC 8785: keys sorted by UTF-16 code units, numbers as in ECMAScript.
VECTORS: dict[str, tuple[Any, str]] = {
    "keys in order": ({"b": 1, "a": 2, "": 0}, '{"":0,"a":2,"b":1}'),
    "keys by UTF-16 units": (
        {"\ufb33": "Hebrew", "\U0001f600": "Emoji", "1": "One", "\r": "Return", "é": "e"},
        '{"\\r":"Return","1":"One","é":"e","\U0001f600":"Emoji","\ufb33":"Hebrew"}',
    ),
    "escapes": ('\b\t\n\f\r"\\/\x0f\x7f€', '"\\b\\t\\n\\f\\r\\"\\\\/\\u000f\x7f€"'),
    "words": ([True, False, None], "[true,false,null]"),
    "whole float": (50.0, "50"),
    "negative zero": (-0.0, "0"),
    "smallest plain": (0.000001, "0.000001"),
    "small": (0.0000001, "1e-7"),
    "fraction": (1 / 3, "0.3333333333333333"),
    "largest": (MAX_NUMBER, "9007199254740991"),
    "nested": ({"x": [{"z": 1, "y": []}, {}]}, '{"x":[{"y":[],"z":1},{}]}'),
}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(("value", "text"), VECTORS.values(), ids=list(VECTORS))
def test_canonical_text__of_a_known_value__has_the_known_bytes(value: Any, text: str) -> None:
    assert canonical_text(value) == text


@given(plain_json())
def test_canonical_text__read_back_and_written_again__stays_the_same(value: Any) -> None:
    text = canonical_text(value)
    assert json.loads(text) == value
    assert canonical_text(json.loads(text)) == text


@given(st.dictionaries(st.text(max_size=5), st.integers(-9, 9), min_size=2), st.randoms())
def test_digest__keys_in_any_order__the_same(value: dict[str, int], random: Any) -> None:
    keys = list(value)
    random.shuffle(keys)
    assert digest({key: value[key] for key in keys}) == digest(value)


@given(plain_json(), plain_json())
def test_digest__of_values_that_differ__differs(one: Any, other: Any) -> None:
    assert (digest(one) == digest(other)) == (canonical_text(one) == canonical_text(other))


def test_digest__is_sha256_of_the_canonical_bytes() -> None:
    expected = hashlib.sha256('{"é":1}'.encode()).hexdigest()
    assert digest({"é": 1}) == sha256_hex('{"é":1}') == expected


@given(plain_json())
def test_require_plain_json__what_json_can_carry__passes(value: Any) -> None:
    require_plain_json(value)
    assert load_strict_json(json.dumps(value)) == value


REFUSED: dict[str, tuple[Any, str]] = {
    "NUL": ({"a": ["x\x00"]}, "a[0]"),
    "NUL in a key": ({"a": {"\x00": 1}}, "a"),
    "lone surrogate": ({"a": "\ud800"}, "a"),
    "lone surrogate in a key": ({"a": {"\udfff": 1}}, "a"),
    "NaN": ({"a": {"b": [0, float("nan")]}}, "a.b[1]"),
    "infinity": ([float("inf")], "[0]"),
    "negative infinity": ([[float("-inf")]], "[0][0]"),
    "integer beyond 2^53-1": ({"n": MAX_NUMBER + 1}, "n"),
    "negative integer beyond": ({"n": -MAX_NUMBER - 1}, "n"),
    "float beyond 2^53-1": ({"n": 1e300}, "n"),
    "key that is no text": ({"a": {1: 2}}, "a"),
    "bytes": ({"a": b"x"}, "a"),
    "set": ({"a": {1}}, "a"),
    "too deep": ({"a": nested(MAX_NESTING)}, "a" + "[0]" * (MAX_NESTING - 1)),
}


@pytest.mark.parametrize(("value", "path"), REFUSED.values(), ids=list(REFUSED))
def test_require_plain_json__what_cannot_be_recorded__refused_with_its_path(
    value: Any, path: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        require_plain_json(value)
    assert caught.value.code == "invalid_json"
    assert [fault["path"] for fault in caught.value.errors] == [path]


@pytest.mark.parametrize(("value", "path"), REFUSED.values(), ids=list(REFUSED))
def test_require_plain_json__below_a_field__path_begins_there(value: Any, path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        require_plain_json(value, "output")
    joined = f"output{path}" if path.startswith("[") else f"output.{path}"
    assert caught.value.errors[0]["path"] == joined
    str(caught.value).encode()  # the message must be valid UTF-8, whatever the document holds


def test_require_plain_json__as_deep_as_allowed__passes() -> None:
    require_plain_json(nested(MAX_NESTING))


MALFORMED = {
    "not JSON": "{",
    "empty": "",
    "trailing": "1 2",
    "single quotes": "{'a': 1}",
    "not UTF-8": b'"\xff"',
    "number of 5 000 digits": "9" * 5000,
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=list(MALFORMED))
def test_load_strict_json__what_is_not_json__refused(text: str | bytes) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load_strict_json(text)
    assert caught.value.code == "malformed_json"


UNUSABLE = {
    "duplicate keys": ('{"a": {"b": 1, "b": 1}}', "a.b"),
    "duplicate keys in a list": ('[1, {"b": 1, "c": [2], "b": 1}]', "[1].b"),
    "duplicate keys, escaped": ('{"a": 1, "\\u0061": 2}', "a"),
    "NaN": ("[NaN]", "[0]"),
    "Infinity": ('{"a": Infinity}', "a"),
    "-Infinity": ('{"a": [0, -Infinity]}', "a[1]"),
    "1e999": ('{"n": 1e999}', "n"),
    "integer beyond": ('{"n": 9007199254740992}', "n"),
    "escaped NUL": ('{"a": "\\u0000"}', "a"),
    "escaped lone surrogate": ('{"a": "\\ud800"}', "a"),
    "escaped lone surrogate in a key": ('{"\\ud800": 1}', ""),
    "deep": ("[" * 40 + "]" * 40, "[0]" * MAX_NESTING),
    "deeper than Python goes": (
        '{"[\\"[[": 1, "a": ' + "[" * 200_000 + "]" * 200_000 + "}",
        "a" + "[0]" * (MAX_NESTING - 1),
    ),
    "deeper than Python goes, open": (
        '[{"a": 1}, ' + '{"b": ' * 100_000,
        "[1]" + ".b" * (MAX_NESTING - 1),
    ),
}


@pytest.mark.parametrize(("text", "path"), UNUSABLE.values(), ids=list(UNUSABLE))
def test_load_strict_json__what_has_no_one_meaning__refused_with_its_path(
    text: str, path: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load_strict_json(text)
    assert caught.value.code == "invalid_json"
    assert caught.value.errors[0]["path"] == path


# A double has another value than what is written, as a decimal number.
NOT_EXACT = [
    *("1e-400", "-1e-324", "9007199254740991.4", "0.1000000000000000055511151231257827"),
    *("0.30000000000000001", "-4503599627370496.25001", "1.00000000000000000001", "2e-324"),
    *("1e-9999999999999999999", "0." + "0" * 400 + "1", "3.14159265358979323846"),
    "123456789012345678e-3",
]
EXACT = {
    "0.1": 0.1,
    "1.0": 1.0,
    "1e2": 100.0,
    "100.00": 100.0,
    "1E+2": 100.0,
    "-2.50e-1": -0.25,
    "5e-324": 5e-324,
    "0.30000000000000004": 0.1 + 0.2,
    "9007199254740991.0": 2.0**53 - 1,
    "0e99": 0.0,
    "1.2345678901234568e-5": 1.2345678901234568e-5,
}


@pytest.mark.parametrize("text", NOT_EXACT)
@pytest.mark.parametrize("spaces", ["", " \n"])
def test_load_strict_json__number_that_a_double_changes__refused_with_its_path(
    text: str, spaces: str
) -> None:
    for document in (f'{{"a": [0.5, {spaces}{text}{spaces}]}}', f'{{"a": [1, {text}]}}'.encode()):
        with pytest.raises(InvalidInputError) as caught:
            load_strict_json(document)
        assert caught.value.code == "number_not_exact"
        assert [fault["path"] for fault in caught.value.errors] == ["a[1]"]
        assert text not in str(caught.value)  # it may be a secret


@pytest.mark.parametrize(("text", "number"), EXACT.items())
def test_load_strict_json__number_that_stays_the_same__taken(text: str, number: float) -> None:
    assert load_strict_json(text) == number


@pytest.mark.parametrize("text", ["-0", "-0.0", "-0e-9"])
def test_load_strict_json__negative_zero__is_recorded_as_zero(text: str) -> None:
    assert canonical_text(load_strict_json(text)) == "0"


@given(st.floats(-MAX_NUMBER, MAX_NUMBER), st.integers(0, 30), st.booleans())
def test_load_strict_json__any_decimal__taken_just_if_its_shortest_form_is_the_same_number(
    number: float, digits: int, as_exponent: bool
) -> None:
    text = f"{number:.{digits}{'e' if as_exponent else 'f'}}"
    read = float(text)
    if abs(read) > MAX_NUMBER:
        return
    if Fraction(repr(read)) == Fraction(text) or text.lstrip("-").isdigit():
        assert Fraction(repr(load_strict_json(text))) == Fraction(text)
    else:
        with pytest.raises(NumberNotExactError):
            load_strict_json(text)


def test_load_strict_json__deep_bytes__refused_as_text_is() -> None:
    with pytest.raises(InvalidInputError) as caught:
        load_strict_json(b"[" * 200_000)
    assert caught.value.errors[0]["path"] == "[0]" * MAX_NESTING


@pytest.mark.parametrize("text", ["", "1", "[1, [2]]", '["[[[[", {"a": "]"}]', "]]["])
def test_text__that_is_not_too_deep__is_not_cut(text: str) -> None:
    assert _cut_at_max_nesting(text) == text


def test_load_strict_json__no_json_before_it_is_too_deep__refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        load_strict_json("{]" + "[" * 200_000)
    assert caught.value.code == "malformed_json"


def test_load_strict_json__many_values_below_a_long_key__builds_no_path_for_each() -> None:
    text = '{"' + "k" * 300_000 + '": [' + "0, " * 20_000 + "0]}"
    tracemalloc.start()
    try:
        load_strict_json(text)
        assert tracemalloc.get_traced_memory()[1] < 50 * 2**20  # with all paths: 6 GB
    finally:
        tracemalloc.stop()


def test_load_strict_json__larger_than_allowed__refused() -> None:
    largest = '"' + "x" * (MAX_DOCUMENT_BYTES - 2) + '"'
    assert len(load_strict_json(largest)) == MAX_DOCUMENT_BYTES - 2
    for text in (largest + " ", (largest + " ").encode()):
        with pytest.raises(InvalidInputError) as caught:
            load_strict_json(text)
        assert caught.value.code == "document_too_large"


def test_timestamp__equal_moments__equal_text() -> None:
    moment = datetime(2026, 11, 2, 9, 0, 0, 5, tzinfo=UTC)
    elsewhere = moment.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert timestamp(moment) == timestamp(elsewhere) == "2026-11-02T09:00:00.000005Z"
    assert timestamp(moment.replace(microsecond=0)) == "2026-11-02T09:00:00.000000Z"
    assert timestamp(None) is None


@given(plain_json())
def test_digest__of_any_value__is_the_same_whatever_was_expected(value: Any) -> None:
    found = hashlib.sha256(canonical_bytes(value)).hexdigest()
    assert digest(value) == found
    assert digest(value, expected=found) == found
    assert digest(value, expected="0" * 64) == found


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 400 + ".5"])
def test_load_json__number_that_no_double_holds__cannot_be_serialized(number: str) -> None:
    value = load_json(f'{{"n": {number}, "x": 1.5}}')
    assert value["x"] == 1.5
    with pytest.raises(ValueError, match="unsupported"):
        digest(value, expected=digest({"n": None, "x": 1.5}))


def test_digest__of_what_is_no_json_though_orjson_serializes_it__refused() -> None:
    with pytest.raises(ValueError, match="unsupported"):
        digest({"at": datetime(2026, 1, 1, tzinfo=UTC)})
