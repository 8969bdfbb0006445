"""`archive_contracts`: files that verify without the database, even after an interruption."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.domain.values import ContractStatus
from governance.record.retention import archive_directory, export
from tests.support.archives import AT_REST, archive, everything_at_rest, lines_of, path_of, verify
from tests.support.attacks import nothing_written, run_sql
from tests.support.commands import run, shell
from tests.support.factories import contract_in, judged_job, now
from tests.support.tampering import tamper
from tests.support.users import Users


def whole_folder(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# --- exported content ---
def test_archive__of_contracts_at_rest__holds_all_of_them_and_verifies(
    users: Users, tmp_path: Path
) -> None:
    contracts = everything_at_rest(users)
    with nothing_written():
        ran = archive(tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("7 contracts exported, ")
    assert {line["contract_id"] for line in lines_of(tmp_path)} == {str(c.pk) for c in contracts}
    assert all(path_of(tmp_path, contract).is_file() for contract in contracts)
    ran = verify(tmp_path)
    assert (ran.code, ran.out.partition(",")[0]) == (0, "7 contracts")
    assert ran.out.endswith(" 0 with findings\n")


def test_archive__is_verified_where_no_database_is(users: Users, tmp_path: Path) -> None:
    everything_at_rest(users)
    archive(tmp_path)
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    outcome = shell("verify_archive", tmp_path, "--json", environment=nowhere)
    assert outcome.returncode == 0, outcome.stderr
    assert json.loads(outcome.stdout)["contracts"] == 7


def test_file__holds_every_row_of_the_contract_as_it_is_stored(
    users: Users, tmp_path: Path
) -> None:
    contract = AT_REST["resolved"](users)
    archive(tmp_path)
    rows = json.loads(path_of(tmp_path, contract).read_text())["rows"]
    counts = {name: len(found) for name, found in rows.items()}
    assert counts == {
        "SystemContract": 1,
        "LedgerEntry": 14,
        "ApprovalSignature": 1,
        "GovernanceJob": 1,
        "JobStep": 3,
        "StepResult": 3,
        "HealthSnapshot": 2,
        "Observation": 1,
        "AuditEvidence": 1,
        "AuditAttempt": 1,
        "GovernanceAudit": 1,
        "AuditResolution": 1,
    }
    stored = run_sql(
        "SELECT body, encode(hash, 'hex') FROM governance_ledgerentry WHERE contract_id = %s"
        " ORDER BY seq",
        contract.pk,
    )
    assert [(row["body"], row["hash"]) for row in rows["LedgerEntry"]] == stored
    [(evidence,)] = run_sql("SELECT body FROM governance_auditevidence")
    assert rows["AuditEvidence"][0]["body"] == evidence


def test_file__of_a_discussed_contract__holds_the_comments(users: Users, tmp_path: Path) -> None:
    contract = AT_REST["discussed"](users)
    archive(tmp_path)
    rows = json.loads(path_of(tmp_path, contract).read_text())["rows"]
    assert [row["text"] for row in rows["ContractComment"]] == ["A good question."]
    assert len(rows["ClarificationRequest"]) == len(rows["ClarificationAnswer"]) == 1


def test_contracts__that_are_younger__stay_out(users: Users, tmp_path: Path) -> None:
    judged_job(users)
    hour_ago = (now() - timedelta(hours=1)).isoformat()
    ran = run("archive_contracts", "--before", hour_ago, "--to", tmp_path, "--json")
    assert ran.json() == {
        "exported": 0,
        "exportable": 0,
        "entries": 0,
        "already_there": 0,
        "signed": False,
        "problems": [],
    }


def test_dry_run__says_how_many_and_writes_nothing(users: Users, tmp_path: Path) -> None:
    everything_at_rest(users)
    ran = archive(tmp_path / "new", "--dry-run")
    assert (ran.code, ran.out.partition(",")[0]) == (0, "7 contracts would be exported")
    assert not (tmp_path / "new").exists()


def test_queries__of_a_batch__do_not_grow_with_it(users: Users, tmp_path: Path) -> None:
    counts = []
    for number in (1, 4):
        for _ in range(number):
            judged_job(users)
        with CaptureQueriesContext(connection) as seen:
            archive(tmp_path / str(number))
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 24


# --- errors ---
@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "2026-11-02T09:00:00", ""])
def test_date__that_is_none__is_used_wrongly(date: str, tmp_path: Path) -> None:
    assert run("archive_contracts", "--before", date, "--to", tmp_path).code == 2


@pytest.mark.django_db
def test_date__in_the_future__is_refused(tmp_path: Path) -> None:
    tomorrow = (now() + timedelta(days=1)).date().isoformat()
    ran = run("archive_contracts", "--before", tomorrow, "--to", tmp_path)
    assert (ran.code, ran.err.endswith("(in_the_future)\n")) == (1, True)


def test_chain__that_does_not_verify__is_named_and_not_exported(
    users: Users, tmp_path: Path
) -> None:
    whole, broken = judged_job(users).contract, judged_job(users).contract
    tamper(f"UPDATE governance_systemcontract SET title = 'Other' WHERE id = '{broken.pk}'")
    ran = archive(tmp_path)
    assert ran.code == 1
    assert f"contract {broken.pk}, entry 1: the recorded data is not" in ran.out
    assert [line["contract_id"] for line in lines_of(tmp_path)] == [str(whole.pk)]


def test_record__that_cannot_be_read__is_named_and_the_others_are_exported(
    users: Users, tmp_path: Path
) -> None:
    whole, broken = judged_job(users).contract, judged_job(users).contract
    tamper(f"UPDATE governance_systemcontract SET closed_at = 'infinity' WHERE id = '{broken.pk}'")
    ran = archive(tmp_path)
    assert ran.code == 1
    assert f"contract {broken.pk}, the record cannot be read" in ran.out
    assert [line["contract_id"] for line in lines_of(tmp_path)] == [str(whole.pk)]


def test_folder__that_another_writes_into__is_refused(users: Users, tmp_path: Path) -> None:
    judged_job(users)
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = archive(tmp_path)
    assert (ran.code, ran.err.endswith("(archive_in_use)\n")) == (1, True)
    assert archive(tmp_path).code == 0


# --- repeated runs and crashes ---
def test_archive__run_again__writes_nothing_twice(users: Users, tmp_path: Path) -> None:
    everything_at_rest(users)
    archive(tmp_path)
    before = whole_folder(tmp_path)
    ran = archive(tmp_path)
    assert ran.out.startswith("0 contracts exported, 0 entries, 7 already there, 0 not")
    assert whole_folder(tmp_path) == before


def test_archive__of_the_same_record_elsewhere__has_the_same_files(
    users: Users, tmp_path: Path
) -> None:
    contracts = everything_at_rest(users)
    archive(tmp_path / "a")
    archive(tmp_path / "b")
    for contract in contracts:
        one, other = (path_of(tmp_path / name, contract).read_bytes() for name in "ab")
        assert one == other


class PowerFailedError(BaseException):
    """A simulated power failure, which no `except Exception` catches."""


@pytest.mark.parametrize("after", range(0, 40, 3))
def test_power__fails_at_any_point__a_second_run_goes_on_where_it_stopped(
    users: Users, tmp_path: Path, monkeypatch: Any, after: int
) -> None:
    for _ in range(4):
        contract_in(users, ContractStatus.REJECTED)
    monkeypatch.setattr(export, "CONTRACTS_PER_BATCH", 2)
    archive(tmp_path / "undisturbed")
    left = after

    def failing(usual: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            nonlocal left
            if left == 0:
                raise PowerFailedError
            left -= 1
            return usual(*arguments)

        return call

    folder = tmp_path / "disturbed"
    with monkeypatch.context() as patch:
        patch.setattr(archive_directory.os, "fsync", failing(archive_directory.os.fsync))
        patch.setattr(archive_directory.os, "replace", failing(archive_directory.os.replace))
        patch.setattr(Path, "unlink", failing(Path.unlink))
        with suppress(PowerFailedError):
            archive(folder)
    assert archive(folder).code == 0
    assert not list(folder.rglob("*.draft"))
    assert verify(folder).code == 0
    one, other = whole_folder(tmp_path / "undisturbed"), whole_folder(folder)
    assert {n: b for n, b in one.items() if n.startswith("contracts")} == {
        n: b for n, b in other.items() if n.startswith("contracts")
    }
    assert [line["file"] for line in lines_of(folder)] == [
        line["file"] for line in lines_of(tmp_path / "undisturbed")
    ]


def test_batch__that_was_cut_off__is_refused_until_it_is_finished(
    users: Users, tmp_path: Path
) -> None:
    judged_job(users)
    archive(tmp_path)
    (tmp_path / ".batch").write_text('{"manifest_bytes":0,"files":[],"lines":[]}')
    ran = verify(tmp_path)
    assert (ran.code, ran.err.endswith("(archive_unfinished)\n")) == (1, True)
