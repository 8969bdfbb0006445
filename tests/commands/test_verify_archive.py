"""`verify_archive` and the Python script in docs/retention.md: their findings in an archive."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from governance.domain.canonical import sha256_hex
from tests.support.archives import archive, everything_at_rest, lines_of, path_of, rewrite, verify
from tests.support.commands import ROOT, run
from tests.support.factories import judged_job
from tests.support.users import Users


# --- findings ---
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


def time_that_is_a_number(document: Any) -> None:
    document["rows"]["SystemContract"][0]["review_ends_at"] = 5


def body_that_is_a_number(document: Any) -> None:
    document["rows"]["LedgerEntry"][0]["body"] = 5


def status_that_is_a_list(document: Any) -> None:
    document["rows"]["SystemContract"][0]["status"] = []


FORGERIES: dict[Callable[[Any], None], str] = {
    swap_reason: "is not what closing_sha256 vouches for",
    drop_last_entry: "the contract is COMPLETED, but the last entry says ACTIVE",
    change_output: "is not what step_result_sha256 vouches for",
    change_evidence: "is not what evidence_sha256 vouches for",
    add_stranger: "rows that belong to another contract",
    add_column: "cannot be read as a contract: KeyError",
    add_table: "cannot be read as a contract: KeyError",
    make_active: "has not ended, it is ACTIVE",
    run_on: "its job has not ended",
    other_version: "its format or version is unknown",
    other_contract: "rows that belong to another contract",
    forge_successor: "no entry vouches for successor_id",
    unreadable_hash: "cannot be read as a contract: ValueError",
    time_that_is_a_number: "the review's end is 5, but must be",
    body_that_is_a_number: "cannot be read as a contract: AttributeError",
    status_that_is_a_list: "cannot be read as a contract: TypeError",
}


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.__name__)
def test_file__forged_with_its_manifest__is_found(
    users: Users, tmp_path: Path, forgery: Callable[[Any], None]
) -> None:
    whole, contract = judged_job(users).contract, judged_job(users).contract
    archive(tmp_path)
    rewrite(tmp_path, contract, forgery)
    ran = verify(tmp_path)
    assert ran.code == 1
    assert FORGERIES[forgery] in ran.out
    assert str(contract.pk) in ran.out
    assert str(whole.pk) not in ran.out
    assert ran.out.endswith(" 1 with findings\n")


def test_file__edited__is_not_the_one_that_was_listed(users: Users, tmp_path: Path) -> None:
    contract = judged_job(users).contract
    archive(tmp_path)
    path = path_of(tmp_path, contract)
    path.write_bytes(path.read_bytes().replace(b"Search", b"Sorrow"))
    [finding] = verify(tmp_path, "--json").json()["findings"]
    assert finding["problem"] == "The SHA-256 of the file is not the one in the manifest."
    path.write_bytes(b"\xff")
    assert "is not the one in the manifest" in verify(tmp_path).out
    path.unlink()
    assert "The file is missing." in verify(tmp_path).out


def test_file__not_canonical_json__is_found(users: Users, tmp_path: Path) -> None:
    contract = judged_job(users).contract
    archive(tmp_path)

    def unchanged(document: Any) -> None: ...

    path = path_of(tmp_path, contract)
    rewrite(tmp_path, contract, unchanged)
    assert verify(tmp_path).code == 0
    listed = lines_of(tmp_path)[0]["sha256"]
    path.write_text(json.dumps(json.loads(path.read_text())) + "\n")
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace(listed, sha256_hex(path.read_text())))
    assert "it is not canonical JSON" in verify(tmp_path).out


def recipe(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run the script in docs/retention.md that verifies an archive with Python alone."""
    text = (ROOT / "docs/retention.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return subprocess.run(
        [sys.executable, "-I", "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_recipe__of_the_documentation__says_whole_of_what_is_whole(
    users: Users, tmp_path: Path
) -> None:
    everything_at_rest(users)
    archive(tmp_path)
    ran = recipe(tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "whole\n", "")


@pytest.mark.parametrize(
    ("forgery", "message"),
    [
        (drop_last_entry, "this is not where its chain ended"),
        (change_evidence, "this is not the evidence that was sealed"),
        (unreadable_hash, "entry 1 does not fit"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_recipe__of_the_documentation__finds_what_is_forged(
    users: Users, tmp_path: Path, forgery: Callable[[Any], None], message: str
) -> None:
    contract = judged_job(users).contract
    archive(tmp_path)
    rewrite(tmp_path, contract, forgery)
    ran = recipe(tmp_path)
    assert (ran.returncode, message in ran.stderr) == (1, True)
    path_of(tmp_path, contract).write_bytes(b"{}")
    assert "is not the file that was listed" in recipe(tmp_path).stderr


def test_file__missing_in_the_manifest__is_found(users: Users, tmp_path: Path) -> None:
    contract = judged_job(users).contract
    archive(tmp_path)
    path = path_of(tmp_path, contract)
    path.with_name("another.json").write_bytes(path.read_bytes())
    assert "files that the manifest does not list: 1" in verify(tmp_path).out


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"entries":12', '"entries":13'),
        ('"status":"COMPLETED"', '"status":"FAILED"'),
        ('"reference":"', '"reference":"X'),
    ],
)
def test_manifest__that_says_something_else__is_found(
    users: Users, tmp_path: Path, old: str, new: str
) -> None:
    judged_job(users)
    archive(tmp_path)
    manifest = tmp_path / "manifest.jsonl"
    assert old in manifest.read_text()
    manifest.write_text(manifest.read_text().replace(old, new))
    assert "The manifest differs from the record in the file." in verify(tmp_path).out


@pytest.mark.parametrize(
    "line",
    ["", "nothing", "[]", "{}", '{"contract_id":"x"}', '"' + "[" * 100_000],
    ids=["empty", "word", "list", "object", "short", "deep"],
)
def test_manifest__with_a_line_that_is_none__is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "manifest.jsonl").write_text(line + "\n")
    ran = verify(tmp_path)
    assert (ran.code, ran.err.endswith("is not valid. (bad_archive)\n")) == (1, True)


def test_manifest__that_names_a_file_elsewhere__is_refused(users: Users, tmp_path: Path) -> None:
    judged_job(users)
    archive(tmp_path)
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace('"contracts/', '"../contracts/'))
    assert verify(tmp_path).err.endswith("(bad_archive)\n")


def test_folder__that_is_no_archive__is_refused(tmp_path: Path) -> None:
    assert verify(tmp_path).err.endswith("it has no manifest.jsonl. (bad_archive)\n")


# --- signatures ---
@pytest.fixture
def key(tmp_path: Path, settings: Any) -> Path:
    settings.GOVSITE_LEDGER_SIGNING_KEY_FILE = tmp_path / "ledger_key.pem"
    path = tmp_path / "ledger_key.pub"
    path.write_text(run("checkpoint_ledger", "--public-key").out)
    return path


def test_signed_archive__verified_with_the_public_key(
    users: Users, tmp_path: Path, key: Path
) -> None:
    judged_job(users)
    assert archive(tmp_path / "a", "--sign").out.endswith("0 not exported, signed\n")
    ran = verify(tmp_path / "a", "--key", str(key))
    assert ran.code == 0
    assert ": 1 contracts, signed\n" in ran.out


def test_signed_archive__with_another_manifest__is_refused(
    users: Users, tmp_path: Path, key: Path
) -> None:
    contract = judged_job(users).contract
    archive(tmp_path / "a", "--sign")
    rewrite(tmp_path / "a", contract, swap_reason)
    ran = verify(tmp_path / "a", "--key", str(key))
    assert (ran.code, ran.err.endswith("not those that were signed. (bad_archive)\n")) == (1, True)


def test_signature__of_another_key__is_refused(
    users: Users, tmp_path: Path, key: Path, settings: Any
) -> None:
    judged_job(users)
    settings.GOVSITE_LEDGER_SIGNING_KEY_FILE = tmp_path / "another.pem"
    archive(tmp_path / "a", "--sign")
    assert verify(tmp_path / "a", "--key", str(key)).err.endswith("(bad_signature)\n")


def test_archive__unsigned__is_refused_with_a_key(users: Users, tmp_path: Path, key: Path) -> None:
    judged_job(users)
    archive(tmp_path / "a")
    assert verify(tmp_path / "a", "--key", str(key)).err.endswith("(bad_archive)\n")
