"""Tests of fast verification: a chain that passes it passes full verification too."""

from __future__ import annotations

import gc
import json
from collections import Counter
from random import Random
from typing import Any

import pytest
from django.db import DataError, connection, transaction

from governance.domain.canonical import canonical_text, digest
from governance.flows.run_job import cancel_job
from governance.models import LedgerEntry, SystemContract
from governance.record.ledger import full_verification
from governance.record.ledger.chain import entry_hash
from governance.record.ledger.contract_record import NO_DIGEST, ContractRecord
from governance.record.ledger.fast_verification import verify_chain_fast
from governance.record.ledger.full_verification import verify_chain_fully
from governance.record.ledger.loading import load_contract_records
from governance.record.ledger.verification import Finding, verify_ledger
from tests.stress.edits import (
    KINDS,
    build_record,
    switch_everything_off,
)
from tests.support.factories import (
    answered,
    judged_job,
    now,
    pending_job,
    running_job,
    signed,
)
from tests.support.platform import FAILING
from tests.support.rewriting.edits import EditContext
from tests.support.rewriting.histories import HISTORIES
from tests.support.roles import as_owner
from tests.support.succession import modified
from tests.support.tampering import tamper, triggers_off
from tests.support.users import Users

EDITS = 150
UNREADABLE = (DataError, ValueError, RecursionError)


def contract_records() -> list[ContractRecord]:
    return list(load_contract_records(SystemContract.objects.values_list("pk", flat=True)))


def findings() -> list[Finding]:
    return [checked.finding for checked in verify_ledger() if checked.finding]


def rehash_from(seq: int, changes: dict[str, Any]) -> None:
    """Change one entry of the only chain and recompute the hashes from that entry on."""
    head: bytes | None = None
    with triggers_off(), connection.cursor() as cursor:
        for entry in LedgerEntry.objects.filter(seq__gte=seq).order_by("seq"):
            head = bytes(entry.prev_hash) if head is None else head
            new = changes if entry.seq == seq else {}
            body = canonical_text(json.loads(entry.body) | new)
            columns = {name: value for name, value in new.items() if name != "records"}
            columns |= {"body": body, "prev_hash": head, "hash": entry_hash(head, body)}
            cursor.execute(
                f"UPDATE governance_ledgerentry SET {', '.join(f'{name} = %s' for name in columns)}"
                " WHERE id = %s",
                [*columns.values(), entry.pk],
            )
            head = entry_hash(head, body)


def test_whole_chains__of_every_history__pass_fast_verification_with_equal_results(
    db: None,
) -> None:
    build_record(Random(3), copies=1)
    results = [_fits_the_same(contract_record) for contract_record in contract_records()]
    assert len(results) == len(HISTORIES)
    assert all(results)


def test_whole_chains__of_other_histories__pass_fast_verification_too(
    users: Users, settings: Any
) -> None:
    modified(users)
    answered(users)
    job = pending_job(users)
    settings.GOVSITE = settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}
    signed(users, signed(users), founder=users.second_founder)
    settings.GOVSITE = settings.GOVSITE | {"HEALTH_PROVIDER": FAILING[0]}
    # The provider fails, so the last entry has no digest of the health after the job.
    cancel_job(job_id=job.pk, reason="Too late.", actor=users.operator, at=now())
    last = LedgerEntry.objects.filter(contract=job.contract_id).latest("seq")
    assert '"health_after_sha256":null' in last.body
    assert all(_fits_the_same(contract_record) for contract_record in contract_records())


@pytest.mark.parametrize("seed", [11, 12])
def test_random_edits__what_passes_fast_verification__passes_full_verification(
    db: None, seed: int
) -> None:
    draw = Random(seed)
    context = build_record(draw, copies=1)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        switch_everything_off()
    seen = Counter[bool]()
    while seen.total() < EDITS:
        with transaction.atomic():
            with as_owner():
                edit = KINDS[draw.choice(list(KINDS))][1](context)
            if edit is not None:
                fits = [
                    _fits_the_same(contract_record)
                    for contract_record in _readable(context, edit.expected)
                ]
                seen[all(fits)] += 1
            transaction.set_rollback(True)
    # Most edits break an entry; some leave the chain valid and damage what is checked after it.
    assert seen[False] > EDITS / 2
    assert seen[True]


def _readable(context: EditContext, contract_ids: Any) -> list[ContractRecord]:
    try:
        return list(load_contract_records(list(contract_ids)))
    except UNREADABLE:
        return []


def _fits_the_same(contract_record: ContractRecord) -> bool:
    fast = verify_chain_fast(contract_record)
    full, problem = verify_chain_fully(contract_record)
    if fast is None:
        return False
    assert (fast, problem) == (full, None)
    return True


@pytest.mark.parametrize(
    ("seq", "changes"),
    [
        (5, {"to_status": ""}),
        (5, {"to_status": "ELIGIBLE"}),
        (5, {"from_status": "DRAFT"}),
        (8, {"to_status": "RUNNING"}),
        (8, {"from_status": "RUNNING", "to_status": "RUNNING"}),
        (8, {"step_index": 7}),
        (12, {"seq": 13}),
        (12, {"event": "contract.audit.inconclusive"}),
        (12, {"event": "contract.audit.praised"}),
        (12, {"records": {"audit_sha256": None, "closing_sha256": None}}),
        (12, {"records": {"closing_sha256": None}}),
        (4, {"reason": "It was naïve, \U0001f600."}),
        (4, {"actor": "user:1:eve"}),
        (4, {"at": "2026-01-01T00:00:00.000000Z"}),
    ],
)
def test_chain_rehashed__fast_or_full_verification__same_finding(
    users: Users, monkeypatch: pytest.MonkeyPatch, seq: int, changes: dict[str, Any]
) -> None:
    judged_job(users)
    rehash_from(seq, changes)
    fast = findings()
    monkeypatch.setattr(full_verification, "verify_chain_fast", lambda contract_record: None)
    assert findings() == fast


@pytest.mark.parametrize("word", ["no digest", "altered", "unreadable", "twice"])
def test_entry__that_vouches_for_no_digest__is_a_finding(users: Users, word: str) -> None:
    """An entry with an invalid digest must not match a row that was rewritten later."""
    judged_job(users)
    records = json.loads(LedgerEntry.objects.get(seq=11).body)["records"]
    rehash_from(11, {"records": records | {"evidence_sha256": word}})
    tamper("UPDATE governance_auditevidence SET collected_at = now()")
    [found] = findings()
    assert (found.seq, "evidence_sha256" in found.problem) == (11, True)


def test_nothing__rewritten_to_a_number_too_large_for_a_double__found(users: Users) -> None:
    """orjson serializes an infinity as null, like None, so the digests could be equal."""
    running = running_job(users)
    running.record(running.report(0, output={"count": None}))
    assert findings() == []
    tamper(
        "UPDATE governance_stepresult SET output ="
        " jsonb_build_object('count', ('1' || repeat('0', 400) || '.5')::jsonb)"
    )
    [found] = findings()
    assert (found.seq, "step_result_sha256" in found.problem) == (8, True)


def test_last_entry__of_another_hash__found(users: Users) -> None:
    judged_job(users)
    tamper("UPDATE governance_ledgerentry SET hash = sha256('x'::bytea) WHERE seq = 12")
    assert [found.seq for found in findings()] == [12]


def test_confidence__that_is_no_number_any_more__is_not_the_nothing_that_it_was(
    users: Users,
) -> None:
    judged_job(users)
    [contract_record] = contract_records()
    row: Any = contract_record.contract
    nothing = digest(row._replace(confidence_score=None).content_record())
    contract_record.contract = row._replace(confidence_score=float("nan"), content_digest=nothing)
    assert contract_record.digest_of("content_sha256", index=None, expected=nothing) == NO_DIGEST
    contract_record.contract = row._replace(confidence_score=None, content_digest=nothing)
    assert contract_record.digest_of("content_sha256", index=None, expected=nothing) == nothing


def test_entry__that_lost_its_status__is_left_to_full_verification(users: Users) -> None:
    judged_job(users)
    [contract_record] = contract_records()
    last: Any = contract_record.entries[-1]
    body = canonical_text(json.loads(last.body) | {"to_status": None})
    hashed = entry_hash(last.prev_hash, body)
    contract_record.entries[-1] = last._replace(to_status=None, body=body, hash=hashed)
    assert verify_chain_fast(contract_record) is None


def test_verifying__with_garbage_collection_disabled__leaves_it_disabled(users: Users) -> None:
    judged_job(users)
    gc.disable()
    try:
        assert findings() == []
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert findings() == []
    assert gc.isenabled()
