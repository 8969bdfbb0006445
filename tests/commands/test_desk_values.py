"""The given proposals with values that mislead, and more of the same kinds, at the import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from governance.domain.recorded_changes import changes_nothing
from governance.models import SystemContract
from tests.support.commands import proposal_line, run, write_lines
from tests.support.desk_cases import given
from tests.support.users import Users

# What the import says of each given proposal: the code.
GIVEN = {
    "number-underflow": "number_not_exact",
    "number-rounded": "number_not_exact",
    "secret": "secret_in_clear",
}
UPDATE = {"type": "configuration_update", "scope": "Search", "key": "page_size"}
TUNE = {"type": "parameter_change", "scope": "Search", "parameters": {"a": 1, "b": [2.0]}}
ENABLE = {"type": "capability_enable", "capability_name": "Search", "target_lifecycle": "PREVIEW"}
DISABLE = {"type": "capability_disable", "capability_name": "Search", "reason": "Too slow."}
REGISTRY = {
    "name": "Search",
    "lifecycle": "PREVIEW",
    "configuration": {"page_size": 20, "a": 1, "b": [2]},
}
# Changes in turn, and the steps, from 1, that set what is recorded already.
IDLE: dict[str, tuple[list[dict[str, Any]], str]] = {
    "same value": ([UPDATE | {"old_value": 20, "new_value": 20}], "1"),
    "same number": ([UPDATE | {"new_value": 20.0}], "1"),
    "conflict, same value": ([UPDATE | {"old_value": 5, "new_value": 20}], "1"),
    "absent key removed": ([UPDATE | {"key": "none", "new_value": None}], "1"),
    "parameters": ([TUNE], "1"),
    "lifecycle": ([ENABLE], "1"),
    "disabled twice": ([DISABLE, DISABLE], "2"),
    "after an earlier step": (
        [UPDATE | {"new_value": 30}, UPDATE | {"new_value": 30}, TUNE],
        "2, 3",
    ),
}
BUSY: dict[str, list[dict[str, Any]]] = {
    "conflict, other value": [UPDATE | {"old_value": 50, "new_value": 50}],
    "text": [UPDATE | {"new_value": "20"}],
    "boolean": [TUNE | {"parameters": {"a": True}}],
    "one of two": [TUNE | {"parameters": {"a": 1, "b": [3]}}],
    "removed": [UPDATE | {"new_value": None}],
    "there and back": [DISABLE, ENABLE],
}


def imported(path: Path, *arguments: Any) -> Any:
    return run("import_contracts", path, "--as", "operator", *arguments)


def registry_in(folder: Path) -> Path:
    file = folder / "registry.json"
    file.write_text(json.dumps({"capabilities": [REGISTRY]}))
    return file


@pytest.mark.parametrize("case", GIVEN)
def test_given__value_that_misleads__refused_at_import_with_its_path(
    users: Users, tmp_path: Path, case: str
) -> None:
    ran = imported(write_lines(tmp_path / "f", given(case)), "--json")
    [bad] = ran.json()["bad_lines"]
    assert (ran.code, bad["code"]) == (1, GIVEN[case])
    assert bad["field"].startswith("proposed_changes[0].")
    for clear in ("hunter2", "1e-400", "9007199254740991.4"):
        assert clear not in ran.out + ran.err
    assert not SystemContract.objects.exists()


def test_given__proposal_that_changes_nothing__taken_with_a_warning(
    users: Users, tmp_path: Path
) -> None:
    ran = imported(write_lines(tmp_path / "f", given("no-change")))
    contract = SystemContract.objects.get()
    assert ran.code == 0
    assert ran.err == f"warning: {contract.reference}: nothing changes here: step 1\n"
    assert imported(tmp_path / "f").err == ""  # it is there already


@pytest.mark.parametrize(("changes", "steps"), IDLE.values(), ids=list(IDLE))
def test_step__that_sets_what_is_recorded__named_in_a_warning(
    users: Users, tmp_path: Path, changes: list[Any], steps: str
) -> None:
    path = write_lines(tmp_path / "f", [proposal_line("A-1", proposed_changes=changes)])
    ran = imported(path, "--registry", registry_in(tmp_path))
    assert (ran.code, ran.err) == (0, f"warning: A-1: nothing changes here: step {steps}\n")


@pytest.mark.parametrize("changes", BUSY.values(), ids=list(BUSY))
def test_step__that_sets_something_else__is_not_named(
    users: Users, tmp_path: Path, changes: list[Any]
) -> None:
    path = write_lines(tmp_path / "f", [proposal_line("A-1", proposed_changes=changes)])
    ran = imported(path, "--registry", registry_in(tmp_path))
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(
    "change", [ENABLE, DISABLE, TUNE, UPDATE | {"old_value": 1, "new_value": 2}]
)
def test_step__of_what_is_not_registered__changes_something(change: dict[str, Any]) -> None:
    assert not changes_nothing({"change": change, "rollback_action": None})
