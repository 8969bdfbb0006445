"""Tests of verification and checkpoints for contracts that were archived and removed."""

from __future__ import annotations

import base64
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.domain.canonical import canonical_text
from governance.domain.errors import InvalidInputError
from governance.flows.review_contract import reject_contract
from governance.models import ContractTombstone, SystemContract
from governance.record.attest.checkpoints import (
    checkpoint_lines,
    compare_with_checkpoint,
    read_checkpoint,
)
from governance.record.attest.envelopes import CHECKPOINT_TYPE, sign_envelope
from governance.record.attest.keys import public_pem
from governance.record.attest.merkle import MerkleTree
from governance.record.ledger.verification import verify_contract, verify_ledger
from governance.record.retention.archive_verification import read_removed_record
from tests.support.archives import AT_REST, archive, findings, path_of, remove, rewrite
from tests.support.attacks import run_sql
from tests.support.commands import CommandResult, run
from tests.support.factories import eligible, judged_job, now
from tests.support.roles import as_owner
from tests.support.tampering import triggers_off
from tests.support.users import Users

KEY = Ed25519PrivateKey.generate()
TOMBSTONE = "governance_contracttombstone"


@pytest.fixture
def removed(committed: Users, tmp_path: Path) -> SystemContract:
    """Archive a contract in directory `a` and remove it; another contract stays in review."""
    eligible(committed)
    contract = judged_job(committed).contract
    (tmp_path / "before").write_text("\n".join(taken()) + "\n")
    assert archive(tmp_path / "a").code == 0
    assert remove(tmp_path / "a").code == 0
    return contract


def taken() -> list[str]:
    return list(checkpoint_lines(key=KEY, at=now()))


def found(lines: list[str], **options: Any) -> list[str]:
    read_checkpoint(lines, key=KEY.public_key())
    return [one.problem for one in compare_with_checkpoint(lines, **options)]


def before(folder: Path) -> list[str]:
    return (folder / "before").read_text().splitlines()


def tamper(statement: str, *arguments: Any) -> None:
    """Run a statement as the owner while the triggers of the tombstones' table are disabled."""
    with as_owner():
        run_sql(f"ALTER TABLE {TOMBSTONE} DISABLE TRIGGER ALL")
        run_sql(statement, *arguments)
        run_sql(f"ALTER TABLE {TOMBSTONE} ENABLE ALWAYS TRIGGER tombstone_append_only")


def verify(*arguments: object) -> CommandResult:
    return run("verify_ledger", *arguments)


# --- without archive and checkpoint ---
def test_removed_contract__asked_for_by_its_id__is_no_finding(removed: SystemContract) -> None:
    ran = verify(removed.pk)
    assert (ran.code, ran.out) == (
        0,
        "0 contracts, 0 entries, 0 with findings, 1 archived and removed\n",
    )


def test_parent__that_was_removed__asked_for_by_its_id__is_no_finding(
    committed: Users, tmp_path: Path
) -> None:
    parent = AT_REST["superseded"](committed)
    archive(tmp_path)
    remove(tmp_path)
    assert verify(parent.pk).out.endswith(" 0 with findings, 1 archived and removed\n")


def test_removed_contracts__in_json__are_counted(removed: SystemContract) -> None:
    document = verify("--json").json()
    assert (document["contracts"], document["removed"], document["findings"]) == (1, 1, [])


def test_tombstone__made_up_beside_its_contract__is_a_finding(committed: Users) -> None:
    contract = judged_job(committed).contract
    columns = (
        "contract_id, reference, proposal_digest, status, entries, head_sha256, file_sha256,"
        " archived_at, removed_at, removed_by, transaction_id"
    )
    tamper(
        f"INSERT INTO {TOMBSTONE} ({columns}) SELECT id, reference, proposal_digest, status, 12,"
        " repeat('0', 64), repeat('0', 64), now(), now(), 'nobody', 1"
        " FROM governance_systemcontract"
    )
    [finding] = findings()
    assert finding.contract_id == contract.pk
    assert finding.problem == "it was removed, but this is left: contract, chain, job, signatures"


def test_leftovers__that_cannot_be_read__are_one_finding_beside_the_tombstone(
    committed: Users, tmp_path: Path
) -> None:
    """Verification does not read the rows left behind by a removed contract."""
    job = judged_job(committed)
    with as_owner():
        run_sql("CREATE TABLE kept_job AS SELECT * FROM governance_governancejob")
        run_sql("CREATE TABLE kept_step AS SELECT * FROM governance_jobstep")
    assert archive(tmp_path / "a").code == 0
    assert remove(tmp_path / "a").code == 0
    with triggers_off():
        run_sql("INSERT INTO governance_governancejob SELECT * FROM kept_job")
        run_sql("INSERT INTO governance_jobstep SELECT * FROM kept_step")
        run_sql(
            "UPDATE governance_jobstep SET change = (repeat('[', 2000) || repeat(']', 2000))::jsonb"
        )
    [checked] = verify_ledger([job.contract_id])
    assert checked.is_removed
    assert checked.finding is not None
    assert checked.finding.problem == "it was removed, but this is left: job"
    assert verify_contract(job.contract_id) == (None, None)


def test_chain__left_beside_a_tombstone__is_one_finding(removed: SystemContract) -> None:
    with as_owner():
        run_sql("ALTER TABLE governance_ledgerentry DISABLE TRIGGER ALL")
        run_sql(
            "INSERT INTO governance_ledgerentry (contract_id, seq, at, actor, event, from_status,"
            " to_status, reason, body, prev_hash, hash)"
            " VALUES (%s, 1, now(), 'x', 'x', '', '', '', '{}', '', '')",
            removed.pk,
        )
    assert [finding.problem for finding in findings()] == [
        "it was removed, but this is left: chain"
    ]


# --- with an archive ---
def test_archive__that_holds_what_was_removed__proves_it(
    removed: SystemContract, tmp_path: Path
) -> None:
    assert verify("--archive", tmp_path / "nothing", "--archive", tmp_path / "a").code == 0


def test_archive__without_the_file__is_a_finding(removed: SystemContract, tmp_path: Path) -> None:
    path = path_of(tmp_path / "a", removed)
    path.write_bytes(path.read_bytes() + b"\n")
    ran = verify("--archive", tmp_path / "a")
    assert (ran.code, "has the file that the tombstone names" in ran.out) == (1, True)


def test_tombstone__forged_with_its_file__is_a_finding(
    removed: SystemContract, tmp_path: Path
) -> None:
    """The chain's digests reveal a forged file, even if the tombstone names the file's new hash."""

    def forge(document: Any) -> None:
        document["rows"]["SystemContract"][0]["title"] = "Another"

    rewrite(tmp_path / "a", removed, forge)
    line = json.loads((tmp_path / "a" / "manifest.jsonl").read_text())
    tamper(f"UPDATE {TOMBSTONE} SET file_sha256 = %s", line["sha256"])
    ran = verify("--archive", tmp_path / "a")
    assert (ran.code, "is not what proposal_sha256 vouches for" in ran.out) == (1, True)


@pytest.mark.parametrize("change", ["entries = 5", "reference = 'X'", "status = 'FAILED'"])
def test_tombstone__that_says_something_else_than_its_file__is_a_finding(
    removed: SystemContract, tmp_path: Path, change: str
) -> None:
    tamper(f"UPDATE {TOMBSTONE} SET {change}")
    ran = verify("--archive", tmp_path / "a")
    assert (ran.code, "The tombstone differs from the record in the file." in ran.out) == (1, True)


# --- with a checkpoint ---
def test_checkpoint__from_before_the_removal__accepts_the_tombstone(
    removed: SystemContract, tmp_path: Path
) -> None:
    assert found(before(tmp_path)) == []


def test_checkpoint__from_before_the_last_entries__accepts_the_tombstone(
    committed: Users, tmp_path: Path
) -> None:
    contract = eligible(committed)
    lines = taken()
    reject_contract(contract_id=contract.pk, founder=committed.founder, reason="Not this quarter.")
    archive(tmp_path)
    remove(tmp_path)
    assert found(lines) == []


def test_checkpoint__of_a_chain_that_is_gone_without_a_trace__says_so(
    removed: SystemContract, tmp_path: Path
) -> None:
    tamper(f"DELETE FROM {TOMBSTONE}")
    assert findings() == []  # the database has no trace of the contract
    assert found(before(tmp_path)) == ["is missing"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("entries = 5", "was removed with only 5 entries"),
        (
            "head_sha256 = repeat('0', 64)",
            "was removed with another head than the checkpoint's",
        ),
    ],
)
def test_checkpoint__of_another_chain_than_the_tombstone_says__finds_it(
    removed: SystemContract, tmp_path: Path, change: str, problem: str
) -> None:
    tamper(f"UPDATE {TOMBSTONE} SET {change}")
    assert found(before(tmp_path)) == [problem]


def test_checkpoint__and_the_archive__compare_every_entry(
    removed: SystemContract, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "before"
    key = tmp_path / "key.pub"
    key.write_text(public_pem(KEY.public_key()))
    arguments = ("--checkpoint", checkpoint, "--key", key, "--archive", tmp_path / "a")
    ran = verify(*arguments)
    assert ran.code == 0
    # The only warning is of the clock, which the tests can set.
    assert all("governance_now()" in line for line in ran.err.splitlines()), ran.err
    path_of(tmp_path / "a", removed).unlink()
    ran = verify(*arguments)
    assert ran.code == 1
    assert (
        f"contract {removed.pk}, entry 1: it was removed, and its archive file does not" in ran.out
    )


def test_checkpoint__whose_chain_is_longer_in_the_archive_but_another__finds_where(
    removed: SystemContract, tmp_path: Path
) -> None:
    """Only the archive shows that a chain was rehashed between the checkpoint and the archiving."""
    lines = before(tmp_path)
    chain = next(json.loads(line) for line in lines if str(removed.pk) in line)
    archived = partial(read_removed_record, [tmp_path / "a"])
    assert found(lines, archived=archived) == []
    trail = bytearray(base64.b64decode(chain["trail"]))
    trail[4 * 4] ^= 1  # the checkpoint has another hash for the fifth entry
    chain["trail"] = base64.b64encode(trail[:-4]).decode()
    chain |= {"seq": chain["seq"] - 1, "head": "0" * 64}
    forged = signed([canonical_text(chain)])
    assert found(forged) == []  # the tombstone alone does not contradict the checkpoint
    assert found(forged, archived=archived) == ["differs from the checkpoint"]
    path_of(tmp_path / "a", removed).unlink()
    [problem] = found(forged, archived=archived)
    assert problem.startswith("was removed, and its archive has no proof: ")


def signed(lines: list[str], **changes: Any) -> list[str]:
    tree = MerkleTree()
    for line in lines:
        tree.add(line.encode())
    statement = {
        "version": "1.1.0",
        "taken_at": "2026-11-02T09:00:00.000000Z",
        "chains": len(lines),
        "removed": 0,
        "merkle_root": tree.root.hex(),
    } | changes
    payload = canonical_text({k: v for k, v in statement.items() if v is not None}).encode()
    envelope = sign_envelope(payload, payload_type=CHECKPOINT_TYPE, key=KEY)
    return [*lines, canonical_text(envelope)]


def test_checkpoint__of_the_first_version__still_counts(committed: Users) -> None:
    judged_job(committed)
    old = signed(taken()[:-1], version="1.0.0", removed=None)
    assert read_checkpoint(old, key=KEY.public_key()).chains == 1
    assert found(old) == []


# --- tombstones in checkpoints ---
def test_checkpoint__after_the_removal__holds_the_tombstone(removed: SystemContract) -> None:
    lines = taken()
    read = read_checkpoint(lines, key=KEY.public_key())
    assert (read.chains, read.removed) == (1, 1)
    tombstone = ContractTombstone.objects.get()
    assert json.loads(lines[1]) == {
        "removed": str(removed.pk),
        "seq": 12,
        "head": tombstone.head_sha256,
        "file": tombstone.file_sha256,
    }
    assert found(lines) == []


@pytest.mark.parametrize(
    ("attack", "problem"),
    [
        (f"DELETE FROM {TOMBSTONE}", "its tombstone is missing"),
        (
            f"UPDATE {TOMBSTONE} SET file_sha256 = repeat('1', 64)",
            "its tombstone differs from the checkpoint",
        ),
        (f"UPDATE {TOMBSTONE} SET entries = 1", "its tombstone differs from the checkpoint"),
    ],
)
def test_tombstone__that_vanished_or_was_rewritten__is_found_by_the_checkpoint(
    removed: SystemContract, attack: str, problem: str
) -> None:
    lines = taken()
    tamper(attack)
    assert found(lines) == [problem]


def test_checkpoint__with_a_tombstone_taken_out__is_refused(removed: SystemContract) -> None:
    lines = taken()
    with pytest.raises(InvalidInputError) as refusal:
        read_checkpoint([lines[0], lines[2]], key=KEY.public_key())
    assert refusal.value.code == "bad_checkpoint"
