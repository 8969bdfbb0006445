"""The given proposals with names that lie, and more of the same kinds, at the import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from governance.models import SystemContract
from tests.support.commands import proposal_line, run, write_lines
from tests.support.desk_cases import given
from tests.support.users import Users

# What the import says of each given proposal: the field, the code.
GIVEN = {
    "name-zero-width": ("proposed_changes[0].key", "invalid_name"),
    "name-bidi": ("proposed_changes[0].key", "invalid_name"),
    "name-homoglyph": ("proposed_changes[0].key", "invalid_name"),
    "capability-homoglyph": ("affected_capabilities[0]", "invalid_name"),
    "title-bidi": ("title", "invalid_name"),
}
SETTING = {"type": "configuration_update", "scope": "Search", "key": "k", "new_value": 1}
LYING = ["a\u200bb", "a\u00adb", "\u202eba", "a\u2066b", "a\u3164", "a\U000e0041", "a\ufe0f"]
LYING += ["a\u00a0b", "a\tb"]
LYING += ["a  b", " a", "a\nb", "a\u2028b", "a\u0085b", "a\u2800b", "a\ue000", "e\u0301\u0301"]


def imported(path: Path, *arguments: Any) -> Any:
    return run("import_contracts", path, "--as", "operator", *arguments)


@pytest.mark.parametrize("case", GIVEN)
def test_given__name_that_lies__refused_at_import_with_its_path(
    users: Users, tmp_path: Path, case: str
) -> None:
    ran = imported(write_lines(tmp_path / "f", given(case)), "--json")
    [bad] = ran.json()["bad_lines"]
    assert (ran.code, bad["field"], bad["code"]) == (1, *GIVEN[case])
    assert not SystemContract.objects.exists()


def test_given__second_proposal_of_a_reference__refused(users: Users, tmp_path: Path) -> None:
    lines = given("same-reference-1", "same-reference-2", "same-reference-1")
    ran = imported(write_lines(tmp_path / "f", lines), "--json")
    assert (ran.json()["created"], ran.json()["already_there"]) == (1, 1)
    [bad] = ran.json()["bad_lines"]
    assert (bad["line"], bad["code"]) == (2, "reference_taken")
    assert str(SystemContract.objects.get().pk) in bad["message"]


@pytest.mark.parametrize("text", LYING)
@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("reference", lambda text: {"reference": text}),
        ("title", lambda text: {"title": text}),
        ("requested_by", lambda text: {"requested_by": text}),
        ("affected_capabilities[0]", lambda text: {"affected_capabilities": [text]}),
        ("proposed_changes[0].key", lambda text: {"proposed_changes": [SETTING | {"key": text}]}),
        (
            "proposed_changes[0].scope",
            lambda text: {"proposed_changes": [SETTING | {"scope": text}]},
        ),
    ],
)
def test_text__that_is_not_what_it_seems__refused_with_its_path(
    users: Users, tmp_path: Path, text: str, field: str, changes: Any
) -> None:
    line = proposal_line("A-1") | changes(text)
    ran = imported(write_lines(tmp_path / "f", [line]), "--json")
    [bad] = ran.json()["bad_lines"]
    assert bad["field"] == field
    assert not SystemContract.objects.exists()


def test_registry__with_names_that_are_alike__taken_with_a_warning(
    users: Users, tmp_path: Path
) -> None:
    registry = tmp_path / "registry.json"

    def register(*names: str) -> Any:
        documents = [{"name": name, "configuration": {"Key": 1, "key": 2}} for name in names]
        registry.write_text(json.dumps({"capabilities": documents}))
        return imported(write_lines(tmp_path / "f", []), "--registry", registry)

    ran = register("CPUs", "CPUS")
    assert ran.code == 0
    assert "warning: CPUS looks like CPUs; pages show both names\n" in ran.err
    assert "warning: key looks like CPUs.Key; pages show both names\n" in ran.err
    assert register("CPUs", "CPUS", "Other").code == 0
    alone = register("cpus")
    assert alone.code == 1
    assert "capabilities[0].name" in alone.err
    assert "similar_name" in alone.err
    assert "system" in register("system").err


@pytest.mark.parametrize(
    "document",
    [
        {"name": "a\u200bb"},
        {"name": "GiftC\u0430rds"},
        {"name": "A", "title": "a\u202eb"},
        {"name": "A", "owner": "a\nb"},
        {"name": "A", "components": ["a\u00a0b"]},
        {"name": "A", "configuration": {"k\u3164": 1}},
    ],
)
def test_registry__with_a_text_that_lies__refused(
    users: Users, tmp_path: Path, document: dict[str, Any]
) -> None:
    registry = tmp_path / "registry.json"
    registry.write_text(json.dumps({"capabilities": [document]}))
    ran = imported(write_lines(tmp_path / "f", []), "--registry", registry)
    assert ran.code == 1
    assert "(invalid_name)" in ran.err
