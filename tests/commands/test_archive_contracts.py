"""`archive_contracts` and `verify_archive`: whole contracts in files that verify on their own."""

from __future__ import annotations

import fcntl
import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.retention import export, shelf
from governance.vocabulary.canonical import sha256_hex
from governance.vocabulary.values import ContractStatus
from tests.support.archives import (
    AT_REST,
    archive,
    everything_at_rest,
    lines_of,
    path_of,
    rewrite,
)
from tests.support.attacks import nothing_written, run_sql
from tests.support.cast import Cast
from tests.support.commands import ROOT, run, shell
from tests.support.stories import contract_in, judged_job, now
from tests.support.tampering import run_sql as tamper


def verify(folder: Path, *arguments: str) -> Any:
    return run("verify_archive", folder, *arguments)


def whole_folder(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# --- what is exported ---
def test_archive__of_contracts_at_rest__holds_all_of_them_and_verifies(
    cast: Cast, tmp_path: Path
) -> None:
    contracts = everything_at_rest(cast)
    with nothing_written():
        ran = archive(tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("7 contracts exported, ")
    assert {line["contract_id"] for line in lines_of(tmp_path)} == {str(c.pk) for c in contracts}
    assert all(path_of(tmp_path, contract).is_file() for contract in contracts)
    ran = verify(tmp_path)
    assert (ran.code, ran.out.partition(",")[0]) == (0, "7 contracts")
    assert ran.out.endswith(" 0 with findings\n")


def test_archive__is_verified_where_no_database_is(cast: Cast, tmp_path: Path) -> None:
    everything_at_rest(cast)
    archive(tmp_path)
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    outcome = shell("verify_archive", tmp_path, "--json", environment=nowhere)
    assert outcome.returncode == 0, outcome.stderr
    assert json.loads(outcome.stdout)["contracts"] == 7


def test_file__holds_every_row_of_the_contract_as_it_is_stored(cast: Cast, tmp_path: Path) -> None:
    contract = AT_REST["resolved"](cast)
    archive(tmp_path)
    rows = json.loads(path_of(tmp_path, contract).read_text())["rows"]
    counts = {name: len(found) for name, found in rows.items()}
    assert counts == {
        "SystemContract": 1,
        "LedgerEntry": 13,
        "ApprovalSignature": 1,
        "GovernanceJob": 1,
        "JobStep": 3,
        "StepResult": 3,
        "HealthSnapshot": 2,
        "AuditEvidence": 1,
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


def test_file__of_a_discussed_contract__holds_what_was_said(cast: Cast, tmp_path: Path) -> None:
    contract = AT_REST["discussed"](cast)
    archive(tmp_path)
    rows = json.loads(path_of(tmp_path, contract).read_text())["rows"]
    assert [row["text"] for row in rows["ContractComment"]] == ["A good question."]
    assert len(rows["ClarificationRequest"]) == len(rows["ClarificationAnswer"]) == 1


def test_contracts__that_are_younger__stay_out(cast: Cast, tmp_path: Path) -> None:
    judged_job(cast)
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


def test_dry_run__says_how_many_and_writes_nothing(cast: Cast, tmp_path: Path) -> None:
    everything_at_rest(cast)
    ran = archive(tmp_path / "new", "--dry-run")
    assert (ran.code, ran.out.partition(",")[0]) == (0, "7 contracts would be exported")
    assert not (tmp_path / "new").exists()


def test_queries__of_a_batch__do_not_grow_with_it(cast: Cast, tmp_path: Path) -> None:
    counts = []
    for number in (1, 4):
        for _ in range(number):
            judged_job(cast)
        with CaptureQueriesContext(connection) as seen:
            archive(tmp_path / str(number))
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 24


# --- refused ---
@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "2026-11-02T09:00:00", ""])
def test_date__that_is_none__is_used_wrongly(date: str, tmp_path: Path) -> None:
    assert run("archive_contracts", "--before", date, "--to", tmp_path).code == 2


@pytest.mark.django_db
def test_date__in_the_future__is_refused(tmp_path: Path) -> None:
    tomorrow = (now() + timedelta(days=1)).date().isoformat()
    ran = run("archive_contracts", "--before", tomorrow, "--to", tmp_path)
    assert (ran.code, ran.err.endswith("(in_the_future)\n")) == (1, True)


def test_chain__that_does_not_verify__is_named_and_not_exported(cast: Cast, tmp_path: Path) -> None:
    whole, broken = judged_job(cast).contract, judged_job(cast).contract
    tamper(f"UPDATE governance_systemcontract SET title = 'Other' WHERE id = '{broken.pk}'")
    ran = archive(tmp_path)
    assert ran.code == 1
    assert f"contract {broken.pk}, entry 1: what stands on record is not" in ran.out
    assert [line["contract_id"] for line in lines_of(tmp_path)] == [str(whole.pk)]


def test_record__that_cannot_be_read__is_named_and_the_others_are_exported(
    cast: Cast, tmp_path: Path
) -> None:
    whole, broken = judged_job(cast).contract, judged_job(cast).contract
    tamper(f"UPDATE governance_systemcontract SET closed_at = 'infinity' WHERE id = '{broken.pk}'")
    ran = archive(tmp_path)
    assert ran.code == 1
    assert f"contract {broken.pk}, the record cannot be read" in ran.out
    assert [line["contract_id"] for line in lines_of(tmp_path)] == [str(whole.pk)]


def test_folder__that_another_writes_into__is_refused(cast: Cast, tmp_path: Path) -> None:
    judged_job(cast)
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = archive(tmp_path)
    assert (ran.code, ran.err.endswith("(archive_in_use)\n")) == (1, True)
    assert archive(tmp_path).code == 0


# --- again, and after a crash ---
def test_archive__run_again__writes_nothing_twice(cast: Cast, tmp_path: Path) -> None:
    everything_at_rest(cast)
    archive(tmp_path)
    before = whole_folder(tmp_path)
    ran = archive(tmp_path)
    assert ran.out.startswith("0 contracts exported, 0 entries, 7 already there, 0 not")
    assert whole_folder(tmp_path) == before


def test_archive__of_the_same_record_elsewhere__has_the_same_files(
    cast: Cast, tmp_path: Path
) -> None:
    contracts = everything_at_rest(cast)
    archive(tmp_path / "a")
    archive(tmp_path / "b")
    for contract in contracts:
        one, other = (path_of(tmp_path / name, contract).read_bytes() for name in "ab")
        assert one == other


class PowerFailedError(BaseException):
    """Nothing that the code catches."""


@pytest.mark.parametrize("after", range(0, 40, 3))
def test_power__fails_at_any_point__a_second_run_goes_on_where_it_stopped(
    cast: Cast, tmp_path: Path, monkeypatch: Any, after: int
) -> None:
    for _ in range(4):
        contract_in(cast, ContractStatus.REJECTED)
    monkeypatch.setattr(export, "CONTRACTS_AT_ONCE", 2)
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
        patch.setattr(shelf.os, "fsync", failing(shelf.os.fsync))
        patch.setattr(shelf.os, "replace", failing(shelf.os.replace))
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
    cast: Cast, tmp_path: Path
) -> None:
    judged_job(cast)
    archive(tmp_path)
    (tmp_path / ".batch").write_text('{"manifest_bytes":0,"files":[],"lines":[]}')
    ran = verify(tmp_path)
    assert (ran.code, ran.err.endswith("(archive_unfinished)\n")) == (1, True)


# --- what verification finds ---
def swap_reason(document: Any) -> None:
    document["rows"]["SystemContract"][0]["closed_reason"] = "Because."


def drop_last_entry(document: Any) -> None:
    document["rows"]["LedgerEntry"].pop()


def change_output(document: Any) -> None:
    document["rows"]["StepResult"][0]["output"] = {"done": False}


def change_evidence(document: Any) -> None:
    document["rows"]["AuditEvidence"][0]["body"] += " "


def add_stranger(document: Any) -> None:
    row = dict(document["rows"]["StepResult"][0], job_id="0197a0c2-0000-7000-8000-000000000000")
    document["rows"]["StepResult"].append(row)


def add_column(document: Any) -> None:
    document["rows"]["StepResult"][0]["mood"] = "fine"


def add_table(document: Any) -> None:
    document["rows"]["Secrets"] = []


def make_active(document: Any) -> None:
    document["rows"]["SystemContract"][0]["status"] = "ACTIVE"


def run_on(document: Any) -> None:
    document["rows"]["GovernanceJob"][0]["status"] = "RUNNING"


def other_version(document: Any) -> None:
    document["version"] = 99


def other_contract(document: Any) -> None:
    document["contract_id"] = "0197a0c2-0000-7000-8000-000000000000"


def forge_successor(document: Any) -> None:
    document["successor_id"] = "0197a0c2-0000-7000-8000-000000000000"


def unreadable_hash(document: Any) -> None:
    document["rows"]["LedgerEntry"][0]["hash"] = "no hexadecimal digits"


FORGERIES: dict[Callable[[Any], None], str] = {
    swap_reason: "is not what closing_sha256 vouches for",
    drop_last_entry: "the contract is COMPLETED, but the last entry says ACTIVE",
    change_output: "is not what step_result_sha256 vouches for",
    change_evidence: "is not what evidence_sha256 vouches for",
    add_stranger: "rows that belong to another contract",
    add_column: "cannot be read as a contract: KeyError",
    add_table: "cannot be read as a contract: KeyError",
    make_active: "has not come to rest, it is ACTIVE",
    run_on: "its job has not come to rest",
    other_version: "no contract of a version that is known",
    other_contract: "rows that belong to another contract",
    forge_successor: "no entry vouches for successor_id",
    unreadable_hash: "cannot be read as a contract: ValueError",
}


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.__name__)
def test_file__forged_with_its_manifest__is_found(
    cast: Cast, tmp_path: Path, forgery: Callable[[Any], None]
) -> None:
    whole, contract = judged_job(cast).contract, judged_job(cast).contract
    archive(tmp_path)
    rewrite(tmp_path, contract, forgery)
    ran = verify(tmp_path)
    assert ran.code == 1
    assert FORGERIES[forgery] in ran.out
    assert str(contract.pk) in ran.out
    assert str(whole.pk) not in ran.out
    assert ran.out.endswith(" 1 with findings\n")


def test_file__edited__is_not_the_one_that_was_listed(cast: Cast, tmp_path: Path) -> None:
    contract = judged_job(cast).contract
    archive(tmp_path)
    path = path_of(tmp_path, contract)
    path.write_bytes(path.read_bytes().replace(b"Search", b"Sorrow"))
    [finding] = verify(tmp_path, "--json").json()["findings"]
    assert finding["problem"] == "The file is not the one that was listed."
    path.write_bytes(b"\xff")
    assert "not the one that was listed" in verify(tmp_path).out
    path.unlink()
    assert "The file is missing." in verify(tmp_path).out


def test_file__spelled_otherwise__is_found(cast: Cast, tmp_path: Path) -> None:
    contract = judged_job(cast).contract
    archive(tmp_path)

    def spell(document: Any) -> None: ...

    path = path_of(tmp_path, contract)
    rewrite(tmp_path, contract, spell)
    assert verify(tmp_path).code == 0
    listed = lines_of(tmp_path)[0]["sha256"]
    path.write_text(json.dumps(json.loads(path.read_text())) + "\n")
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace(listed, sha256_hex(path.read_text())))
    assert "it is not spelled as it was written" in verify(tmp_path).out


def recipe(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """What docs/retention.md has for whoever comes in ten years, with Python alone."""
    text = (ROOT / "docs/retention.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return subprocess.run(
        [sys.executable, "-I", "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_recipe__of_the_documentation__says_whole_of_what_is_whole(
    cast: Cast, tmp_path: Path
) -> None:
    everything_at_rest(cast)
    archive(tmp_path)
    ran = recipe(tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "whole\n", "")


@pytest.mark.parametrize(
    ("forgery", "said"),
    [
        (drop_last_entry, "this is not where its chain ended"),
        (change_evidence, "this is not the evidence that was sealed"),
        (unreadable_hash, "entry 1 does not fit"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_recipe__of_the_documentation__finds_what_is_forged(
    cast: Cast, tmp_path: Path, forgery: Callable[[Any], None], said: str
) -> None:
    contract = judged_job(cast).contract
    archive(tmp_path)
    rewrite(tmp_path, contract, forgery)
    ran = recipe(tmp_path)
    assert (ran.returncode, said in ran.stderr) == (1, True)
    path_of(tmp_path, contract).write_bytes(b"{}")
    assert "is not the file that was listed" in recipe(tmp_path).stderr


def test_file__that_nobody_listed__is_found(cast: Cast, tmp_path: Path) -> None:
    contract = judged_job(cast).contract
    archive(tmp_path)
    path = path_of(tmp_path, contract)
    path.with_name("another.json").write_bytes(path.read_bytes())
    assert "1 files are there that the manifest does not list" in verify(tmp_path).out


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"entries":12', '"entries":13'),
        ('"status":"COMPLETED"', '"status":"FAILED"'),
        ('"reference":"', '"reference":"X'),
    ],
)
def test_manifest__that_says_something_else__is_found(
    cast: Cast, tmp_path: Path, old: str, new: str
) -> None:
    judged_job(cast)
    archive(tmp_path)
    manifest = tmp_path / "manifest.jsonl"
    assert old in manifest.read_text()
    manifest.write_text(manifest.read_text().replace(old, new))
    assert "The manifest says something else of it." in verify(tmp_path).out


@pytest.mark.parametrize(
    "line",
    ["", "nothing", "[]", "{}", '{"contract_id":"x"}', '"' + "[" * 100_000],
    ids=["empty", "word", "list", "object", "short", "deep"],
)
def test_manifest__with_a_line_that_is_none__is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "manifest.jsonl").write_text(line + "\n")
    ran = verify(tmp_path)
    assert (ran.code, ran.err.endswith("is not as it was written. (bad_archive)\n")) == (1, True)


def test_manifest__that_names_a_file_elsewhere__is_refused(cast: Cast, tmp_path: Path) -> None:
    judged_job(cast)
    archive(tmp_path)
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace('"contracts/', '"../contracts/'))
    assert verify(tmp_path).err.endswith("(bad_archive)\n")


def test_folder__that_is_no_archive__is_refused(tmp_path: Path) -> None:
    assert verify(tmp_path).err.endswith("it has no manifest.jsonl. (bad_archive)\n")


# --- signed ---
@pytest.fixture
def key(tmp_path: Path, settings: Any) -> Path:
    settings.LEDGER_SIGNING_KEY_FILE = tmp_path / "ledger_key.pem"
    path = tmp_path / "ledger_key.pub"
    path.write_text(run("checkpoint_ledger", "--public-key").out)
    return path


def test_signed_archive__verified_with_the_public_key(
    cast: Cast, tmp_path: Path, key: Path
) -> None:
    judged_job(cast)
    assert archive(tmp_path / "a", "--sign").out.endswith("0 not exported, signed\n")
    ran = verify(tmp_path / "a", "--key", str(key))
    assert ran.code == 0
    assert ": 1 contracts, signed\n" in ran.out


def test_signed_archive__with_another_manifest__is_refused(
    cast: Cast, tmp_path: Path, key: Path
) -> None:
    contract = judged_job(cast).contract
    archive(tmp_path / "a", "--sign")
    rewrite(tmp_path / "a", contract, swap_reason)
    ran = verify(tmp_path / "a", "--key", str(key))
    assert (ran.code, ran.err.endswith("not those that were signed. (bad_archive)\n")) == (1, True)


def test_signature__of_another_key__is_refused(
    cast: Cast, tmp_path: Path, key: Path, settings: Any
) -> None:
    judged_job(cast)
    settings.LEDGER_SIGNING_KEY_FILE = tmp_path / "another.pem"
    archive(tmp_path / "a", "--sign")
    assert verify(tmp_path / "a", "--key", str(key)).err.endswith("(bad_signature)\n")


def test_archive__that_nobody_signed__is_refused_with_a_key(
    cast: Cast, tmp_path: Path, key: Path
) -> None:
    judged_job(cast)
    archive(tmp_path / "a")
    assert verify(tmp_path / "a", "--key", str(key)).err.endswith("(bad_archive)\n")
