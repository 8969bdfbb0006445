"""Hostile input in the JSON Lines files that commands read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from governance.domain import changes, verdicts
from governance.domain.changes import CHANGE_TYPES
from governance.management.commands.import_audit_verdicts import KNOWN_FIELDS as VERDICT_FIELDS
from governance.management.commands.import_contracts import KNOWN_FIELDS
from governance.management.commands.import_review_verdicts import KNOWN_FIELDS as DRAFT_FIELDS
from governance.management.values import MAX_PRINTED_LENGTH, printable
from governance.models import Account, SystemContract
from tests.support.commands import proposal_line, run, write_lines
from tests.support.hostile import hostile_requests
from tests.support.hostile.lines import (
    CAPABILITY,
    draft_verdict_line,
    templates_of,
    verdict_line,
    whole_proposal,
)
from tests.support.users import Users

# Payloads per field, different for each; `make stress` sends 300.
DAILY, SHORT = 1, 5


def test_json_lines__hold_every_field_of_every_form() -> None:
    line = whole_proposal()
    assert set(line) == KNOWN_FIELDS
    assert set(verdict_line("", "")) == VERDICT_FIELDS
    assert set(draft_verdict_line("")) == DRAFT_FIELDS
    assert set(line["validator_verdict"]) == set(verdicts.ValidatorVerdict.model_fields)
    assert set(line["eligibility_verdict"]) == set(verdicts.EligibilityVerdict.model_fields)
    by_type = {change["type"]: set(change) for change in line["proposed_changes"]}
    assert set(by_type) == set(CHANGE_TYPES)
    kinds = (
        changes.CapabilityEnable,
        changes.CapabilityDisable,
        changes.ConfigurationUpdate,
        changes.ParameterChange,
    )
    assert {frozenset(kind.model_fields) for kind in kinds} == set(map(frozenset, by_type.values()))
    assert len(list(templates_of(line))) > 50


@pytest.mark.parametrize("number", [DAILY, pytest.param(SHORT, marks=pytest.mark.long)])
def test_hostile_input__in_files__never_a_traceback_and_the_rest_is_loaded(
    users: Users, number: int
) -> None:
    figure = hostile_requests(payloads=number, parts=("lines",))
    assert figure["lines"] == figure["fields"] * number
    assert figure["server_errors"] == 0
    if number == SHORT:
        assert figure["sent"] == figure["payloads"], "some were sent nowhere"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ["x"]),
        ("lifecycle", {"a": 1}),
        ("lifecycle", []),
        ("frozen", 1),
        ("title", "x" * 501),
        ("components", ["x" * 201]),
        ("configuration", {"x" * 201: 1}),
        ("configuration", {"": 1}),
        ("stages", [1]),
    ],
)
def test_registry__with_a_hostile_field__refused_by_name(
    users: Users, tmp_path: Path, field: str, value: Any
) -> None:
    registry = write_lines(
        tmp_path / "registry.json", [{"capabilities": [CAPABILITY | {field: value}]}]
    )
    lines = write_lines(tmp_path / "lines", [])
    ran = run("import_contracts", lines, "--registry", registry, "--as", "operator")
    assert ran.code == 1
    assert f"capabilities[0].{field}" in ran.err
    assert "Traceback" not in ran.err


def test_json_line__with_terminal_control_characters__is_reported_on_one_line(
    users: Users, tmp_path: Path
) -> None:
    hostile = {"\x1b[2J\nline 9: all is well\u202e": 1, "x" * 100_000: 1}
    lines = [proposal_line("A") | hostile, proposal_line("B")]
    ran = run("import_contracts", write_lines(tmp_path / "lines", lines), "--as", "operator")
    assert ran.code == 1
    assert len(ran.err) < 3 * MAX_PRINTED_LENGTH
    [message] = ran.err.splitlines()
    assert message.startswith("line 1: ")
    assert message.isprintable()
    assert SystemContract.objects.filter(reference="B").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("expire_contracts", "--as", "\udcff"),
        ("create_api_token", "\udcff", "--role", "Viewer", "--as", "root"),
        ("import_contracts", "\udcff", "--as", "operator"),
        ("import_contracts", "/dev/null", "--registry", "\udcff", "--as", "operator"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_command__with_bytes_that_are_no_text__refused(users: Users, arguments: Any) -> None:
    Account.objects.create_superuser("root")
    ran = run(*arguments)
    assert ran.code in (1, 2)
    assert "error: " in ran.err
    ran.err.encode()  # raises if the message cannot be printed


@pytest.mark.parametrize("content", [b"\xff\n{}", b"{}\n\xff", b"[" * 100_000, b"", b"\x00"])
def test_checkpoint__that_is_none__refused(users: Users, tmp_path: Path, content: bytes) -> None:
    checkpoint = tmp_path / "checkpoint"
    checkpoint.write_bytes(content)
    ran = run("verify_ledger", "--checkpoint", checkpoint)
    assert ran.code == 1
    assert "Traceback" not in ran.err


def test_printable__keeps_what_people_write() -> None:
    assert printable("Größe: 5 µm, 東京") == "Größe: 5 µm, 東京"
    assert printable("a\tb\x00\u202e") == "a⟦tab⟧b⟦U+0000⟧⟦U+202E⟧"
    assert len(printable("x" * 5000)) == MAX_PRINTED_LENGTH
    marks = printable("\u202e" * 5000)
    assert len(marks) <= MAX_PRINTED_LENGTH
    assert marks.endswith("⟦U+202E⟧…")
