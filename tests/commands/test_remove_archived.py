"""`remove_archived`: the removal by the tables' owner, and the verification after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

from governance.authorities.contract.comments import add_comment
from governance.models import ContractTombstone, LedgerEntry, SystemContract
from governance.record.retention import removal
from tests.support.archives import (
    AT_REST,
    archive,
    everything_at_rest,
    findings,
    path_of,
    remove,
    rewrite,
)
from tests.support.attacks import nothing_written, run_sql
from tests.support.chains import chain_head
from tests.support.commands import run, shell, this_database
from tests.support.factories import judged_job, now, reloaded
from tests.support.tampering import tamper
from tests.support.threads import at_once
from tests.support.users import Users


def rows_of_record() -> int:
    """Return the number of rows that belong to contracts, without tombstones."""
    tables = (
        *("systemcontract", "ledgerentry", "governancejob", "jobstep", "stepresult"),
        *("healthsnapshot", "observation", "auditevidence", "auditattempt"),
        *("governanceaudit", "auditresolution"),
        *("clarificationrequest", "clarificationanswer", "contractcomment", "approvalsignature"),
        "notice",
    )
    return sum(run_sql(f"SELECT count(*) FROM governance_{table}")[0][0] for table in tables)


# --- removal ---
def test_removal__of_all_that_came_to_rest__leaves_tombstones_and_nothing_else(
    committed: Users, tmp_path: Path
) -> None:
    contracts = everything_at_rest(committed)
    heads = {contract.pk: chain_head(contract.pk) for contract in contracts}
    archive(tmp_path)
    ran = remove(tmp_path)
    assert (ran.code, ran.out, ran.err) == (0, "7 removed; 0 removed before, 0 kept\n", "")
    for contract in contracts:
        tombstone = ContractTombstone.objects.get(pk=contract.pk)
        assert (tombstone.reference, tombstone.status) == (contract.reference, contract.status)
        seq, head = heads[contract.pk]
        assert (tombstone.entries, tombstone.head_sha256) == (seq, head.hex())
        assert tombstone.removed_by != connection.settings_dict["OPTIONS"].get("assume_role")
    assert not SystemContract.objects.filter(pk__in=heads).exists()
    assert not LedgerEntry.objects.filter(contract_id__in=heads).exists()
    ran = run("verify_ledger")
    assert ran.code == 0
    assert ran.out.startswith("3 contracts, ")
    assert ran.out.endswith(" 0 with findings, 7 archived and removed\n")


def test_removal__of_everything_there_is__leaves_no_row_behind(
    committed: Users, tmp_path: Path
) -> None:
    for way in ("completed", "resolved", "discussed"):
        AT_REST[way](committed)
    archive(tmp_path)
    assert rows_of_record() > 0
    remove(tmp_path)
    assert rows_of_record() == 0


def test_removal__unconfirmed__removes_nothing(committed: Users, tmp_path: Path) -> None:
    judged_job(committed)
    archive(tmp_path)
    with nothing_written():
        ran = run("remove_archived", tmp_path)
    assert (ran.code, ran.out) == (
        0,
        "1 can be removed (nothing was; --confirm removes them); 0 removed before, 0 kept\n",
    )


def test_removal__run_again__passes_over_what_is_removed(committed: Users, tmp_path: Path) -> None:
    judged_job(committed)
    archive(tmp_path)
    remove(tmp_path)
    assert remove(tmp_path).out == "0 removed; 1 removed before, 0 kept\n"
    assert run("verify_archive", tmp_path).code == 0
    ran = remove(tmp_path, "--json")
    assert ran.json() == {
        "removed": 0,
        "removable": 0,
        "removed_before": 1,
        "kept": 0,
        "problems": [],
    }


def test_removal__in_a_process_of_its_own__works_as_the_owner(
    committed: Users, tmp_path: Path
) -> None:
    judged_job(committed)
    archive(tmp_path)
    address = this_database()
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        (owner,) = cursor.fetchone()
    scheme, _, rest = address.partition("://")
    by_owner = f"{scheme}://{owner}@{rest.partition('@')[2]}"
    both = {"DATABASE_URL": address, "GOVSITE_OWNER_DATABASE_URL": by_owner}
    outcome = shell("remove_archived", tmp_path, "--confirm", environment=both)
    assert (outcome.returncode, outcome.stdout) == (0, b"1 removed; 0 removed before, 0 kept\n")
    assert ContractTombstone.objects.get().removed_by == owner


def test_removal__as_the_application__is_refused(committed: Users, tmp_path: Path) -> None:
    judged_job(committed)
    archive(tmp_path)
    only_application = {"DATABASE_URL": this_database(), "GOVSITE_OWNER_DATABASE_URL": ""}
    outcome = shell("remove_archived", tmp_path, "--confirm", environment=only_application)
    assert outcome.returncode == 1
    assert b"(not_the_owner)" in outcome.stderr
    assert SystemContract.objects.count() == 1


# --- reasons to keep a contract ---
def test_comment__that_came_after_the_export__keeps_its_contract(
    committed: Users, tmp_path: Path
) -> None:
    kept, gone = judged_job(committed).contract, judged_job(committed).contract
    archive(tmp_path)
    add_comment(contract_id=kept.pk, person=committed.viewer, text="One more thing.")
    ran = remove(tmp_path)
    assert ran.code == 1
    assert ran.out == (
        f"{kept.reference} ({kept.pk}): the recorded data differs from the file\n"
        "1 removed; 0 removed before, 1 kept\n"
    )
    assert list(SystemContract.objects.values_list("pk", flat=True)) == [kept.pk]
    assert ContractTombstone.objects.get().pk == gone.pk


def test_row__that_was_rewritten_after_the_export__keeps_its_contract(
    committed: Users, tmp_path: Path
) -> None:
    contract = judged_job(committed).contract
    archive(tmp_path)
    tamper("UPDATE governance_stepresult SET output = '{}' WHERE step_index = 1")
    ran = remove(tmp_path)
    assert (ran.code, "differs from the file" in ran.out) == (1, True)
    assert SystemContract.objects.get().pk == contract.pk


def test_row__that_cannot_be_read__keeps_its_contract_alone(
    committed: Users, tmp_path: Path
) -> None:
    broken, gone = judged_job(committed).contract, judged_job(committed).contract
    archive(tmp_path)
    tamper(f"UPDATE governance_systemcontract SET closed_at = 'infinity' WHERE id = '{broken.pk}'")
    ran = remove(tmp_path)
    assert (ran.code, "the record cannot be read" in ran.out) == (1, True)
    assert ContractTombstone.objects.get().pk == gone.pk


def test_file__that_was_edited__keeps_its_contract(committed: Users, tmp_path: Path) -> None:
    edited, forged = judged_job(committed).contract, judged_job(committed).contract
    archive(tmp_path)
    path = path_of(tmp_path, edited)
    path.write_bytes(path.read_bytes().replace(b"Search", b"Sorrow"))

    def forge(document: Any) -> None:
        document["rows"]["SystemContract"][0]["title"] = "Another"

    rewrite(tmp_path, forged, forge)
    ran = remove(tmp_path)
    assert ran.code == 1
    assert (
        f"{edited.reference} ({edited.pk}): The SHA-256 of the file is not the one in the manifest."
        in ran.out
    )
    assert f"({forged.pk}): This is not a contract's record: entry 1: " in ran.out
    assert SystemContract.objects.count() == 2


def test_comment_in_the_file__made_up__keeps_its_contract(committed: Users, tmp_path: Path) -> None:
    """Keep the contract: comments are not in the hash chain, but differ from the database."""
    contract = AT_REST["discussed"](committed)
    archive(tmp_path)

    def forge(document: Any) -> None:
        document["rows"]["ContractComment"][0]["text"] = "A silly question."

    rewrite(tmp_path, contract, forge)
    assert run("verify_archive", tmp_path).code == 0
    assert "differs from the file" in remove(tmp_path).out
    assert reloaded(contract)


def test_contract__that_was_never_here__is_a_finding(committed: Users, tmp_path: Path) -> None:
    contract = judged_job(committed).contract
    archive(tmp_path)
    for table in (
        *("jobstep", "stepresult", "healthsnapshot", "auditevidence", "governanceaudit"),
        *("governancejob", "approvalsignature", "ledgerentry", "systemcontract"),
    ):
        tamper(f"DELETE FROM governance_{table}")
    ran = remove(tmp_path)
    assert (ran.code, f"({contract.pk}): it is not in the database" in ran.out) == (
        1,
        True,
    )


def test_contract__removed_on_another_file__is_a_finding(committed: Users, tmp_path: Path) -> None:
    contract = judged_job(committed).contract
    archive(tmp_path / "early")
    add_comment(contract_id=contract.pk, person=committed.viewer, text="Well.")
    archive(tmp_path / "late")
    assert remove(tmp_path / "late").code == 0
    ran = remove(tmp_path / "early")
    assert (ran.code, "removed before, with another file" in ran.out) == (1, True)


# --- crashes and concurrent runs ---
def test_session__that_dies_between_tombstone_and_commit__leaves_all(
    committed: Users, tmp_path: Path, monkeypatch: Any
) -> None:
    for _ in range(3):
        judged_job(committed)
    archive(tmp_path)
    monkeypatch.setattr(removal, "CONTRACTS_PER_BATCH", 1)
    usual, calls = removal._removed_at_once, []

    def dying(items: Any, **options: Any) -> Any:
        outcome = usual(items, **options)
        calls.append(items)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return outcome

    monkeypatch.setattr(removal, "_removed_at_once", dying)
    assert remove(tmp_path).code == 130
    assert (ContractTombstone.objects.count(), SystemContract.objects.count()) == (1, 2)
    assert findings() == []
    assert remove(tmp_path).out == "2 removed; 1 removed before, 0 kept\n"


def test_backend__that_is_killed_in_the_transaction__leaves_all(
    committed: Users, tmp_path: Path
) -> None:
    contract = judged_job(committed).contract
    archive(tmp_path)
    head = chain_head(contract.pk)
    tombstone = {
        "contract_id": str(contract.pk),
        "reference": contract.reference,
        "proposal_digest": contract.proposal_digest,
        "parent_id": None,
        "status": contract.status,
        "entries": head.seq,
        "head_sha256": head.hash.hex(),
        "file_sha256": "0" * 64,
        "archived_at": now().isoformat(),
        "removed_at": now().isoformat(),
    }
    params = connection.get_connection_params()
    session = psycopg.connect(**{**params, "cursor_factory": psycopg.Cursor})
    session.execute("SELECT governance_remove_contracts(%s::jsonb)", [json.dumps([tombstone])])
    assert session.execute("SELECT count(*) FROM governance_systemcontract").fetchone()[0] == 0
    session.close()  # without a commit, as when the process is killed
    assert SystemContract.objects.get().pk == contract.pk
    assert not ContractTombstone.objects.exists()
    assert findings() == []


def test_removals__two_at_once__each_contract_once(committed: Users, tmp_path: Path) -> None:
    for _ in range(6):
        judged_job(committed)
    archive(tmp_path)

    def one(wait: Any) -> Any:
        wait()
        return [
            str(found.outcome)
            for found in removal.remove_archived(
                tmp_path, at=now(), using="owner", is_confirmed=True
            )
        ]

    first, second = at_once(one, one)
    assert sorted(first + second) == ["removed"] * 6 + ["removed_before"] * 6
    assert findings() == []
