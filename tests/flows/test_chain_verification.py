"""Tests of the verification of a chain that was hashed again, and of values that look alike."""

from __future__ import annotations

import gc
import json
from random import Random
from typing import Any

import pytest
from django.db import connection

from governance.domain.canonical import canonical_text, digest
from governance.flows.run_job import cancel_job
from governance.models import LedgerEntry, SystemContract
from governance.record.ledger.chain import entry_hash
from governance.record.ledger.chain_verification import first_problem
from governance.record.ledger.contract_record import NO_DIGEST, ContractRecord
from governance.record.ledger.loading import load_contract_records
from governance.record.ledger.verification import Finding, verify_ledger
from tests.stress.edits import build_record
from tests.support.factories import answered, judged_job, pending_job, running_job, signed
from tests.support.platform import FAILING
from tests.support.rewriting.histories import HISTORIES
from tests.support.succession import modified
from tests.support.tampering import tamper, triggers_off
from tests.support.users import Users


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


def test_whole_chains__of_every_history__verify(db: None) -> None:
    build_record(Random(3), copies=1)
    checked = list(verify_ledger())
    assert len(checked) == len(HISTORIES)
    assert [one.finding for one in checked if one.finding] == []


def test_whole_chains__of_other_histories__verify_too(users: Users, settings: Any) -> None:
    modified(users)
    answered(users)
    job = pending_job(users)
    settings.GOVSITE = settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}
    signed(users, signed(users), founder=users.second_founder)
    settings.GOVSITE = settings.GOVSITE | {"HEALTH_PROVIDER": FAILING[0]}
    # The provider fails, so the last entry has no digest of the health after the job.
    cancel_job(job_id=job.pk, reason="Too late.", actor=users.operator)
    last = LedgerEntry.objects.filter(contract=job.contract_id).latest("seq")
    assert '"health_after_sha256":null' in last.body
    assert findings() == []


@pytest.mark.parametrize(
    ("seq", "changes", "bad", "problem"),
    [
        (5, {"to_status": ""}, 5, "the status of contract.activation.activated cannot be empty"),
        (5, {"to_status": "ELIGIBLE"}, 12, "begins at 'ACTIVE', but the status was 'ELIGIBLE'"),
        (5, {"from_status": "DRAFT"}, 5, "begins at 'DRAFT', but the status was 'APPROVED'"),
        (8, {"to_status": "RUNNING"}, 8, "the status of job.step.completed cannot be RUNNING"),
        (8, {"step_index": 7}, 8, "the recorded data is not what step_result_sha256 vouches for"),
        (12, {"seq": 13}, 12, "entry 12 is missing: the next one is 13"),
        (12, {"event": "contract.audit.inconclusive"}, 12, "does not vouch for"),
        (12, {"event": "contract.audit.praised"}, 12, "does not vouch for"),
        (12, {"records": {"audit_sha256": None, "closing_sha256": None}}, 12, "what audit_sha256"),
        (12, {"records": {"closing_sha256": None}}, 12, "does not vouch for"),
        (4, {"at": "2026-01-01T00:00:00.000000Z"}, 4, "its time is before that of entry 3"),
    ],
)
def test_chain_rehashed__to_say_what_is_not_so__found(
    users: Users, seq: int, changes: dict[str, Any], bad: int, problem: str
) -> None:
    judged_job(users)
    rehash_from(seq, changes)
    [found] = findings()
    assert (found.seq, problem in found.problem) == (bad, True), found


@pytest.mark.parametrize(
    "changes", [{"reason": "It was naïve, \U0001f600."}, {"actor": "user:1:eve"}]
)
def test_chain_rehashed__with_other_words__only_a_checkpoint_shows_it(
    users: Users, changes: dict[str, Any]
) -> None:
    judged_job(users)
    rehash_from(4, changes)
    assert findings() == []


def test_entry__at_the_same_time_as_the_one_before_it__is_whole(users: Users) -> None:
    judged_job(users)
    [fifth, sixth] = LedgerEntry.objects.filter(seq__in=(5, 6)).order_by("seq")
    assert fifth.at == sixth.at  # an activation appends two entries
    assert findings() == []


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
    for confidence, expected in ((float("nan"), NO_DIGEST), (None, nothing)):
        contract_record.rows["SystemContract"] = [
            row._replace(confidence_score=confidence, content_digest=nothing)
        ]
        assert contract_record.digest_of("content_sha256", expected=nothing) == expected


@pytest.mark.parametrize(
    ("columns", "more", "problem"),
    [
        ({"to_status": None}, {}, "the status of contract.audit.passed cannot be empty"),
        ({}, {"note": "Trust me."}, "its body differs from its columns: note"),
    ],
)
def test_entry__that_no_operation_could_have_written__is_a_finding(
    users: Users, columns: dict[str, Any], more: dict[str, Any], problem: str
) -> None:
    judged_job(users)
    [contract_record] = contract_records()
    last: Any = contract_record.entries[-1]
    body = canonical_text(json.loads(last.body) | columns | more)
    hashed = entry_hash(last.prev_hash, body)
    contract_record.entries[-1] = last._replace(**columns, body=body, hash=hashed)
    assert first_problem(contract_record) == (12, problem)


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
