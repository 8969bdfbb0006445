"""`import_contracts`: the import of proposals from a file."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from governance.domain.strict_json import MAX_DOCUMENT_BYTES
from governance.management.progress import lines_with_progress
from governance.models import Capability, LedgerEntry, SystemContract
from governance.record.ledger.verification import verify_ledger
from tests.support.commands import ROOT, proposal_line, run, this_database, write_lines
from tests.support.factories import MAY_NOT
from tests.support.kubernetes import CAPABILITIES, CHANGES, needs_real_changes
from tests.support.registry import registered
from tests.support.users import Users

GOOD = proposal_line("A-1")


def imported(path: Path, *arguments: str) -> Any:
    return run("import_contracts", path, "--as", "operator", *arguments)


@needs_real_changes
def test_import__real_changes__gives_the_known_figures_and_twice_nothing_new(users: Users) -> None:
    arguments = (CHANGES, "--registry", CAPABILITIES, "--as", "operator")
    first = run("import_contracts", *arguments)
    assert first.out == (
        "733 created, 0 already there, 14 refused as MAY_NOT, 0 bad lines, 417 capabilities added\n"
    )
    assert first.code == 0
    assert Counter(SystemContract.objects.values_list("status", flat=True)) == {"ELIGIBLE": 733}
    assert Capability.objects.count() == 417

    again = run("import_contracts", *arguments, "--json")
    assert (again.code, again.json()) == (
        0,
        {
            "created": 0,
            "already_there": 733,
            "refused_may_not": 14,
            "bad_lines": [],
            "capabilities_added": 0,
            "interrupted": False,
        },
    )
    assert SystemContract.objects.count() == 733


def test_import__one_line__becomes_what_it_says(users: Users, tmp_path: Path) -> None:
    assert imported(write_lines(tmp_path / "f", [GOOD])).code == 0
    contract = SystemContract.objects.get()
    assert contract.reference == "A-1"
    assert contract.description == GOOD["body"]
    assert contract.requested_by == "support"
    assert contract.source == "manual"
    assert contract.proposed_by == users.operator
    actors = set(LedgerEntry.objects.values_list("actor", flat=True))
    assert actors == {f"user:{users.operator.pk}:operator"}


@pytest.mark.parametrize(
    ("line", "arguments", "source"),
    [
        ({}, ("--source", "ops_alert"), "ops_alert"),
        ({"source": "crm_feedback"}, ("--source", "ops_alert"), "crm_feedback"),
        ({"source": "crm_feedback"}, (), "crm_feedback"),
    ],
)
def test_import__source__is_the_lines_own_or_the_one_given(
    users: Users, tmp_path: Path, line: dict[str, Any], arguments: tuple[str, ...], source: str
) -> None:
    imported(write_lines(tmp_path / "f", [GOOD | line]), *arguments)
    assert SystemContract.objects.get().source == source


def test_import__bad_lines__are_named_and_the_rest_is_loaded(users: Users, tmp_path: Path) -> None:
    no_change: dict[str, Any] = {"type": "capability_enable", "capability_name": "Search"}
    lines = [
        proposal_line("A-1"),
        "",
        "{not json",
        proposal_line("A-2", colour="red"),
        proposal_line("A-3", title=" "),
        proposal_line("A-4", body="x" * 4001),
        proposal_line("A-5", proposed_changes=[{"type": "capability_explode"}]),
        proposal_line("A-6", proposed_changes=[no_change]),
        proposal_line("A-7", affected_capabilities=["Other"]),
        proposal_line("A-8", risk_level="awful"),
        proposal_line("A-9", validator_verdict=None),
        proposal_line("A-10", eligibility_verdict={"decision": "PERHAPS"}),
        b'{"reference": "A-\xff"}',
        "[1, 2]",
        '{"reference": "A-11", "reference": "A-12"}',
        proposal_line("A-13", title="half a pair \ud800"),
        proposal_line("A-14", source="gossip"),
        proposal_line("A-15"),
    ]
    ran = imported(write_lines(tmp_path / "f", lines), "--json")
    assert ran.code == 1
    tally = ran.json()
    assert tally["created"] == 2
    assert {(bad["line"], bad["field"]) for bad in tally["bad_lines"]} == {
        (3, None),
        (4, "colour"),
        (5, "title"),
        (6, "body"),
        (7, "proposed_changes[0].type"),
        (8, "proposed_changes[0].target_lifecycle"),
        (9, "proposed_changes[0]"),
        (10, "risk_level"),
        (11, "validator_verdict"),
        (12, "eligibility_verdict.decision"),
        (13, None),
        (14, None),
        (15, "reference"),
        (16, "title"),
        (17, "source"),
    }
    references = set(SystemContract.objects.values_list("reference", flat=True))
    assert references == {"A-1", "A-15"}
    assert "line 5: title: must have 1 to 200 characters, not 0\n" in ran.err
    assert "Traceback" not in ran.err


def test_import__line_beyond_1_mib__is_bad_and_the_next_one_is_loaded(
    users: Users, tmp_path: Path
) -> None:
    long = " " * (3 * MAX_DOCUMENT_BYTES) + json.dumps(GOOD)
    ran = imported(write_lines(tmp_path / "f", [long, proposal_line("A-2")]), "--json")
    assert ran.code == 1
    assert [(bad["line"], bad["code"]) for bad in ran.json()["bad_lines"]] == [
        (1, "document_too_large")
    ]
    assert SystemContract.objects.get().reference == "A-2"


def test_import__may_not__is_counted_and_refused_and_no_error(users: Users, tmp_path: Path) -> None:
    lines = [proposal_line("A-1", eligibility_verdict=MAY_NOT), proposal_line("A-2")]
    ran = imported(write_lines(tmp_path / "f", lines))
    assert ran.code == 0
    assert "1 created, 0 already there, 1 refused as MAY_NOT, 0 bad lines" in ran.out
    assert SystemContract.objects.get().reference == "A-2"


def test_import__same_reference_other_content__is_refused(users: Users, tmp_path: Path) -> None:
    lines = [GOOD, GOOD, GOOD | {"title": "Bring search to preview now"}]
    ran = imported(write_lines(tmp_path / "f", lines), "--json")
    assert (ran.code, ran.json()["created"], ran.json()["already_there"]) == (1, 1, 1)
    assert [(bad["line"], bad["code"]) for bad in ran.json()["bad_lines"]] == [
        (3, "reference_taken")
    ]
    assert str(SystemContract.objects.get().pk) in ran.err


def test_import__windows_line_ends_and_byte_order_mark__do_no_harm(
    users: Users, tmp_path: Path
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\r\n\r\n")
    assert imported(path).code == 0
    assert SystemContract.objects.count() == 1


def test_import__standard_input__is_read(
    users: Users, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(json.dumps(GOOD).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert imported(Path("-")).code == 0
    assert SystemContract.objects.count() == 1


@pytest.mark.parametrize("name", ["missing", "folder"])
def test_import__file_that_cannot_be_read__is_refused(
    users: Users, tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    ran = imported(tmp_path / name)
    assert ran.code == 1
    assert ran.err.startswith(f"error: {tmp_path / name} cannot be read: ")
    assert ran.err.endswith("(unreadable_file)\n")


@pytest.mark.parametrize(
    "registry",
    [
        b"[]",
        b'{"capabilities": {}}',
        b'{"capabilities": [{"name": " x"}]}',
        b'{"capabilities": [{"name": "Good"}, {"name": "Bad", "lifecycle": "GONE"}]}',
        b"\xff",
        b"{",
    ],
)
def test_import__bad_registry__loads_nothing_at_all(
    users: Users, tmp_path: Path, registry: bytes
) -> None:
    (tmp_path / "registry").write_bytes(registry)
    ran = imported(write_lines(tmp_path / "f", [GOOD]), "--registry", str(tmp_path / "registry"))
    assert ran.code == 1
    assert ran.err.startswith("error: ")
    assert "Traceback" not in ran.err
    assert not Capability.objects.exists()
    assert not SystemContract.objects.exists()


def test_import__registry__keeps_what_is_known(users: Users, tmp_path: Path) -> None:
    registered("Known", lifecycle="LAUNCHED")
    registry = {"source": "here", "capabilities": [{"name": "Known"}, {"name": "New"}]}
    (tmp_path / "registry").write_text(json.dumps(registry))
    ran = imported(
        write_lines(tmp_path / "f", []), "--registry", str(tmp_path / "registry"), "--json"
    )
    assert ran.json()["capabilities_added"] == 1
    assert Capability.objects.get(name="Known").lifecycle == "LAUNCHED"


def test_import__interrupted__says_what_was_loaded_and_nothing_is_half_written(
    committed: Users, tmp_path: Path
) -> None:
    """Interrupt the command while it waits for the fourth line of an open pipe."""
    process = _start_import(stderr=subprocess.PIPE)
    assert process.stdin is not None
    for number in range(3):
        process.stdin.write(json.dumps(proposal_line(f"A-{number}")).encode() + b"\n")
    process.stdin.flush()
    _wait_until(lambda: SystemContract.objects.count() == 3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out.startswith(b"3 created, ")
    assert err == b"error: interrupted\n"
    assert SystemContract.objects.count() == 3
    assert all(checked.finding is None for checked in verify_ledger())


def test_lines__interrupted_while_one_is_imported__end_after_it() -> None:
    imported = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        for line in lines_with_progress(io.BytesIO(b"{}\n{}\n")):
            signal.raise_signal(signal.SIGINT)
            imported.append(line.number)
    assert imported == [1]


def test_import__on_a_terminal__shows_a_bar(committed: Users, tmp_path: Path) -> None:
    shown = _seen_on_a_terminal(write_lines(tmp_path / "f", [GOOD, "{"]))
    assert "100%" in shown
    assert "line 2: This is not JSON" in shown


def test_import__not_on_a_terminal__shows_no_bar(committed: Users, tmp_path: Path) -> None:
    process = _start_import(stderr=subprocess.PIPE)
    _, err = process.communicate(json.dumps(GOOD).encode(), timeout=60)
    assert (process.returncode, err) == (0, b"")


def _start_import(*, stderr: int, path: str = "-") -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "import_contracts", path, "--as", "operator"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": this_database()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
    )


def _seen_on_a_terminal(path: Path) -> str:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = _start_import(stderr=theirs, path=str(path))
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux raises this when the other end of the terminal is closed
            break
        if not piece:
            break
        seen += piece
    process.communicate(timeout=60)
    os.close(ours)
    return seen.decode()


def _wait_until(is_true: Any) -> None:
    deadline = time.monotonic() + 30
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
