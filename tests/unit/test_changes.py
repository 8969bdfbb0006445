"""CONTRACT-006: validation of `proposed_changes`, and the path of each error."""

from __future__ import annotations

from typing import Any

import pytest

from governance.domain.changes import (
    CHANGE_TYPES,
    MAX_CHANGES,
    CapabilityDisable,
    CapabilityEnable,
    ConfigurationUpdate,
    ParameterChange,
    parse_changes,
)
from governance.domain.errors import InvalidChangesError, TargetOutOfScopeError
from governance.domain.recorded_changes import require_targets_in_scope, targets_of

ENABLE = {"type": "capability_enable", "capability_name": "Search", "target_lifecycle": "PREVIEW"}
DISABLE = {"type": "capability_disable", "capability_name": "Search", "reason": "Too slow."}
UPDATE = {
    "type": "configuration_update",
    "scope": "SYSTEM",
    "key": "page_size",
    "old_value": None,
    "new_value": {"default": [20, 50]},
}
TUNE = {"type": "parameter_change", "scope": "Search", "parameters": {"b": 2.5, "a": "fast"}}
EVERY_TYPE = {
    CapabilityEnable: (ENABLE, "Search", 'Enable "Search" as PREVIEW'),
    CapabilityDisable: (DISABLE, "Search", 'Disable "Search": "Too slow."'),
    ConfigurationUpdate: (
        UPDATE,
        "SYSTEM",
        'Set "page_size" of "SYSTEM" from no value to {"default": [20, 50]}',
    ),
    ParameterChange: (TUNE, "Search", 'Tune "Search": "a" = "fast", "b" = 2.5'),
}


def faults_of(proposed_changes: Any) -> list[dict[str, str]]:
    with pytest.raises(InvalidChangesError) as caught:
        parse_changes(proposed_changes)
    assert caught.value.code == "invalid_changes"
    first = caught.value.errors[0]
    assert str(caught.value) == f"{first['path']}: {first['message']}."
    return caught.value.errors


def without(document: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != field}


@pytest.mark.parametrize(("kind", "example"), EVERY_TYPE.items(), ids=CHANGE_TYPES)
def test_parse_changes__each_type__read_as_it_is(kind: Any, example: Any) -> None:
    document, target, words = example
    (change,) = parse_changes(document)
    assert isinstance(change, kind)
    assert change.document() == document
    assert change.target == target
    assert str(change) == words


def test_update__without_an_old_value__stays_without() -> None:
    (change,) = parse_changes(without(UPDATE, "old_value"))
    assert isinstance(change, ConfigurationUpdate)
    assert (change.has_old_value, change.document()) == (False, without(UPDATE, "old_value"))


def test_change_types__are_those_of_the_union() -> None:
    assert tuple(document["type"] for document, _, _ in EVERY_TYPE.values()) == CHANGE_TYPES


@pytest.mark.parametrize("lifecycle", ["PREVIEW", "LAUNCHED", "DEPRECATED"])
def test_parse_changes__each_lifecycle_a_change_may_target__read(lifecycle: str) -> None:
    (change,) = parse_changes(ENABLE | {"target_lifecycle": lifecycle})
    assert change.document()["target_lifecycle"] == lifecycle


def test_parse_changes__three_shapes__the_same_changes_in_order() -> None:
    assert parse_changes(ENABLE) == parse_changes([ENABLE]) == parse_changes({"changes": [ENABLE]})
    several = [TUNE, ENABLE, DISABLE, UPDATE]
    assert [change.document() for change in parse_changes({"changes": several})] == several
    assert parse_changes(several) == parse_changes({"changes": several})


def test_change__read_once__cannot_be_rewritten() -> None:
    (change,) = parse_changes(ENABLE)
    with pytest.raises(ValueError, match="frozen"):
        change.target_lifecycle = "LAUNCHED"


SHAPES: dict[str, tuple[Any, str, str]] = {
    "nothing": (None, "proposed_changes", "must be a list"),
    "text": ("capability_enable", "proposed_changes", "must be a list"),
    "number": (3, "proposed_changes", "must be a list"),
    "empty list": ([], "proposed_changes", "at least one"),
    "empty changes": ({"changes": []}, "proposed_changes.changes", "at least one"),
    "changes that are no list": ({"changes": ENABLE}, "proposed_changes.changes", "a list"),
    "changes and more": ({"changes": [ENABLE], "note": 1}, "proposed_changes.note", "known"),
    "empty object": ({}, "proposed_changes.type", "needs a type"),
    "too many": ([ENABLE] * (MAX_CHANGES + 1), "proposed_changes", "at most 10000"),
}


@pytest.mark.parametrize(("value", "path", "message"), SHAPES.values(), ids=list(SHAPES))
def test_parse_changes__in_no_known_shape__refused(value: Any, path: str, message: str) -> None:
    (fault,) = faults_of(value)
    assert fault["path"] == path
    assert message in fault["message"]


FIELDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown type": (ENABLE | {"type": "reboot"}, ".type", "not a known change type"),
    "no type": (without(ENABLE, "type"), ".type", "needs a type"),
    "type that is no text": (ENABLE | {"type": ["capability_enable"]}, ".type", "change type"),
    "unknown lifecycle": (
        ENABLE | {"target_lifecycle": "DISABLED"},
        ".target_lifecycle",
        "PREVIEW",
    ),
    "lower-case lifecycle": (ENABLE | {"target_lifecycle": "preview"}, ".target_lifecycle", ""),
    "name that is no text": (ENABLE | {"capability_name": 5}, ".capability_name", "string"),
    "empty name": (ENABLE | {"capability_name": ""}, ".capability_name", "1 character"),
    "white space name": (ENABLE | {"capability_name": " "}, ".capability_name", "white space"),
    "padded name": (ENABLE | {"capability_name": " a"}, ".capability_name", "white space"),
    "name and newline": (ENABLE | {"capability_name": "a\n"}, ".capability_name", "white space"),
    "long name": (ENABLE | {"capability_name": "a" * 201}, ".capability_name", "200"),
    "empty reason": (DISABLE | {"reason": ""}, ".reason", "1 character"),
    "long reason": (DISABLE | {"reason": "a" * 4001}, ".reason", "4000"),
    "extra field": (ENABLE | {"force": True}, ".force", "not a known field"),
    "field of another type": (DISABLE | {"scope": "Search"}, ".scope", "not a known field"),
    "scope that is no text": (UPDATE | {"scope": None}, ".scope", "string"),
    "key that is no text": (UPDATE | {"key": 1}, ".key", "string"),
    "no parameters": (TUNE | {"parameters": {}}, ".parameters", "at least 1"),
    "parameters in a list": (TUNE | {"parameters": ["a"]}, ".parameters", "dict"),
    "parameter without a name": (TUNE | {"parameters": {"": 1}}, ".parameters.", "1 character"),
    "NUL": (UPDATE | {"new_value": ["\x00"]}, ".new_value[0]", "NUL"),
    "infinite number": (TUNE | {"parameters": {"a": float("inf")}}, ".parameters.a", "finite"),
}
REQUIRED = {
    f"{document['type']} without {name}": (without(document, name), f".{name}", "is required")
    for document, _, _ in EVERY_TYPE.values()
    for name in document
    if name not in ("type", "old_value")
}
FAULTS = FIELDS | REQUIRED


@pytest.mark.parametrize(("change", "path", "message"), FAULTS.values(), ids=list(FAULTS))
@pytest.mark.parametrize(
    ("shape", "prefix"),
    [
        (lambda change: change, "proposed_changes"),
        (lambda change: [ENABLE, change], "proposed_changes[1]"),
        (lambda change: {"changes": [change]}, "proposed_changes.changes[0]"),
    ],
    ids=["alone", "in a list", "under changes"],
)
def test_parse_changes__fault_in_a_change__refused_with_its_path(
    shape: Any, prefix: str, change: dict[str, Any], path: str, message: str
) -> None:
    (fault,) = faults_of(shape(change))
    assert fault["path"] == prefix + path
    assert message in fault["message"]


@pytest.mark.parametrize("change", [None, 5, "capability_enable", [ENABLE], True])
def test_parse_changes__change_that_is_no_object__refused_with_its_path(change: Any) -> None:
    (fault,) = faults_of([ENABLE, change])
    assert fault["path"].startswith("proposed_changes[1]")


def test_parse_changes__several_faults__all_named_in_order() -> None:
    paths = [fault["path"] for fault in faults_of([ENABLE | {"a": 1}, UPDATE, {"type": "x"}])]
    assert paths == ["proposed_changes[0].a", "proposed_changes[2].type"]


def test_targets__of_every_type__are_those_of_the_parsed_changes() -> None:
    documents = [document for document, _, _ in EVERY_TYPE.values()]
    parsed = [change.target for change in parse_changes(documents)]
    assert targets_of(documents) == parsed == [target for _, target, _ in EVERY_TYPE.values()]


@pytest.mark.parametrize("document", [{"type": "x"}, {"scope": "Search"}, {"type": []}, None, [1]])
def test_targets__of_what_is_no_change__refused(document: Any) -> None:
    with pytest.raises(InvalidChangesError):
        targets_of([ENABLE, document])


def test_targets__inside_the_scope__pass() -> None:
    require_targets_in_scope(targets_of([ENABLE, UPDATE]), ["Search", "SYSTEM"])


@pytest.mark.parametrize(
    ("affected", "paths"),
    [
        (["Search"], ["proposed_changes[1]"]),
        (["SYSTEM"], ["proposed_changes[0]"]),  # SYSTEM covers only itself, not every capability
        (["search", "system"], ["proposed_changes[0]", "proposed_changes[1]"]),
        ([], ["proposed_changes[0]", "proposed_changes[1]"]),
    ],
)
def test_targets__outside_the_scope__refused_with_their_paths(
    affected: list[str], paths: list[str]
) -> None:
    with pytest.raises(TargetOutOfScopeError) as caught:
        require_targets_in_scope(targets_of([ENABLE, UPDATE]), affected)
    assert caught.value.code == "target_out_of_scope"
    assert [fault["path"] for fault in caught.value.errors] == paths
