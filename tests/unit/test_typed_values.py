"""Form fields for JSON values: unedited values are kept exactly, and kinds are respected."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.admin.typed_values import MAX_LEAVES, Leaf, ValueField, number_of, path_in_words
from tests.support.json_values import plain_json


def sent_by_a_browser(value: ValueField) -> dict[str, str]:
    """Return what a browser submits for unedited fields: each line end becomes \\r\\n."""
    sent = {}
    for leaf in [value, *value.leaves]:
        if not leaf.is_fixed:
            sent[f"{leaf.name}-kind"] = leaf.kind
            typed = leaf.typed.replace("\r\n", "\n").replace("\r", "\n")
            sent[f"{leaf.name}-typed"] = typed.replace("\n", "\r\n")
    return sent


def same(one: Any, other: Any) -> bool:
    """Return whether value and type are equal: 1, 1.0 and True all differ."""
    return json.dumps(one) == json.dumps(other)


@given(plain_json())
def test_value__left_unchanged__comes_back_exactly(value: Any) -> None:
    field = ValueField.of("v", "Value", value)
    field.read(sent_by_a_browser(field))
    assert same(field.value(), value)


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "1", "true", "null", "-0.0", "a\r\nb\rc\nd", "\n", "[1]", "é\u2028\x85"),
        *(0, -0.0, 1, 1.0, 2.5, 1e22, 5e-324, 2**53 - 1, -(2**53 - 1), True, False, None),
        *([], [""], [" "], ["a\n"], ["a", "b"], ["a", ""], [1, 1.0], [1, True], [None], [[]]),
        *({}, {"": ""}, {"a": {}}, {"a": [{}]}, {"a.b": {"c": [1, {"d": "1"}]}}),
        *(list(range(MAX_LEAVES + 1)), [None] * (MAX_LEAVES + 1), [[[[[[[1, None]]]]]]]),
    ],
    ids=repr,
)
def test_value__of_every_kind__comes_back_exactly(value: Any) -> None:
    field = ValueField.of("v", "Value", value)
    field.read(sent_by_a_browser(field))
    assert same(field.value(), value)


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        ("text", "20", "20"),
        ("text", "", ""),
        ("text", " yes\r\nno ", " yes\nno "),
        ("number", "20", 20),
        ("number", " -3 ", -3),
        ("number", "2.50", 2.5),
        ("number", "1.0", 1.0),
        ("number", "1e3", 1000.0),
        ("number", "9007199254740991", 2**53 - 1),
        ("yes", "whatever", True),
        ("no", "", False),
        ("nothing", "x", None),
        ("texts", "1\r\n\r\n two \r\n", ["1", " two "]),
        ("texts", "", []),
        ("numbers", "1\r\n2.5\r\n", [1, 2.5]),
    ],
)
@pytest.mark.parametrize("base", [{"was": [None, {}]}, "text", 7, None])
def test_value__typed_as_a_kind__is_of_that_kind(
    base: Any, kind: str, typed: str, value: Any
) -> None:
    for field in (ValueField.of("v", "Value"), ValueField.of("v", "Value", base)):
        field.read({"v-kind": kind, "v-typed": typed})
        assert same(field.value(), value)


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", "x", "1,5", "1 000", "01", "+1", ".5", "1.", "0x1", "NaN", "Infinity", "1e"),
        *("٣", "1" * 401),
    ],
)
def test_number__that_is_none__refused(typed: str) -> None:
    with pytest.raises(ValueError, match="must be a number"):
        number_of(typed)


@pytest.mark.parametrize("typed", ["1e-400", "9007199254740991.4", " 0.30000000000000001 "])
def test_number__that_a_double_changes__refused(typed: str) -> None:
    field = ValueField.of("v", "Value", 0)
    field.read({"v-kind": "numbers", "v-typed": f"1\r\n{typed}"})
    assert field.checked_value() is None
    assert "double" in field.error


@pytest.mark.parametrize("kind", ["", "structure", "out", "magic"])
def test_kind__that_the_list_does_not_offer__refused(kind: str) -> None:
    for field in (ValueField.of("v", "Value"), ValueField.of("v", "Value", 7)):
        field.read({"v-kind": kind, "v-typed": "7"})
        with pytest.raises(ValueError, match="kind"):
            field.value()


def test_structure__by_its_parts__changes_those_alone() -> None:
    field = ValueField.of("v", "Value", {"a": {"b": [1, "x", None]}, "c": ["p", "q"], "d": 1.0})
    assert [path_in_words(leaf.path) for leaf in field.leaves] == [
        *("a › b › 1", "a › b › 2", "a › b › 3"),
        *("c", "d"),
    ]
    field.read({"v-1-kind": "number", "v-1-typed": "2", "v-2-kind": "out", "v-3-kind": "nothing"})
    assert same(field.value(), {"a": {"b": [1, 2]}, "c": None, "d": 1.0})


@pytest.mark.parametrize(
    ("value", "kinds", "edited"),
    [
        ([True, False], ["yes", "no"], [True, True]),
        ([False, False, None], ["no", "no", "nothing"], [False, True, None]),
        ([1, True], ["number", "yes"], [1, True]),
        ([True, 1], ["yes", "number"], [True, True]),
        ([0, 0.0, False], ["number", "number", "no"], [0, True, False]),
        ({"on": [True, False]}, ["yes", "no"], {"on": [True, True]}),
    ],
)
def test_list_of_booleans__edited__holds_booleans_and_no_numbers(
    value: Any, kinds: list[str], edited: Any
) -> None:
    field = ValueField.of("v", "Value", value)
    assert (field.kind, [leaf.kind for leaf in field.leaves]) == ("structure", kinds)
    field.read(sent_by_a_browser(field) | {"v-1-kind": "yes"})
    assert same(field.value(), edited)


def test_list_of_booleans__as_numbers__is_of_numbers() -> None:
    field = ValueField.of("v", "Value", [True, False])
    field.read({"v-kind": "numbers", "v-typed": "1\r\n0"})
    assert same(field.value(), [1, 0])


def test_structure__with_a_part_that_does_not_fit__names_it() -> None:
    field = ValueField.of("v", "Value", {"a": 1, "b": None})
    field.read({"v-0-typed": "one"})
    with pytest.raises(ValueError, match="an invalid part"):
        field.value()
    assert [leaf.error for leaf in field.leaves] == ["must be a number, such as 20, -3 or 2.5", ""]


def test_structure__as_another_kind__is_replaced_whole() -> None:
    field = ValueField.of("v", "Value", {"a": 1})
    field.read({"v-kind": "text", "v-typed": "none", "v-0-typed": "not a number"})
    assert field.value() == "none"


@given(st.text(), st.sampled_from(["text", "number", "texts", "numbers", "yes", "no", "nothing"]))
def test_anything_typed__is_a_value_or_refused(typed: str, kind: str) -> None:
    leaf = Leaf("v", "Value", kind, typed)
    try:
        value = leaf.value()
    except ValueError:
        value = None
    json.dumps(value)
