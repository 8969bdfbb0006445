"""Tests of `verify_ledger`: it finds what an owner of the database changed in the record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection

from governance.authorities.contract.operations import record_review_verdicts
from governance.domain.canonical import canonical_text, digest
from governance.domain.values import AuditVerdict, ContractStatus
from governance.flows.review_contract import reject_contract
from governance.flows.run_job import cancel_job
from governance.models import (
    ApprovalSignature,
    ClarificationRequest,
    HealthSnapshot,
    LedgerEntry,
    SystemContract,
)
from governance.record.ledger.chain import GENESIS, NewEntry, append_entries, entry_hash
from governance.record.ledger.loading import load_contract_records
from governance.record.ledger.verification import Finding, verify_ledger
from tests.support.factories import (
    MAY_NOT,
    VALIDATOR_VERDICT,
    affecting,
    answered,
    approved,
    asked,
    contract_in,
    draft,
    eligible,
    failed_job,
    finished_job,
    judged_job,
    now,
    pending_job,
    running_job,
    signed,
)
from tests.support.platform import FAILING
from tests.support.roles import as_owner
from tests.support.succession import modified
from tests.support.tampering import tamper, triggers_off
from tests.support.users import Users

# The sequence numbers of the ledger entries of a completed contract with three steps.
DRAFTED, VALIDATED, GRANTED, APPROVED, ACTIVATED, CREATED, STARTED = range(1, 8)
STEP_0, STEP_1, STEP_2, ENDED, PASSED = range(8, 13)


def owner_says(statement: str) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement)


def findings() -> list[Finding]:
    return [checked.finding for checked in verify_ledger() if checked.finding]


def test_untouched_records_in_every_state__nothing_found(users: Users) -> None:
    for status in ContractStatus:
        if status is not ContractStatus.VALIDATED:
            contract_in(users, status)
    failed_job(users)
    running_job(users).cancel()
    running_job(users).complete_steps(2)
    judged_job(users, AuditVerdict.INCONCLUSIVE, **affecting("Stock"))
    asked(users)
    answered(users)
    modified(users)
    assert findings() == []
    assert len(list(verify_ledger())) == SystemContract.objects.count()


@pytest.mark.parametrize(
    ("attack", "seq"),
    [
        ("UPDATE governance_systemcontract SET title = 'Other'", DRAFTED),
        ("UPDATE governance_systemcontract SET requested_by = 'mallory'", DRAFTED),
        ("UPDATE governance_systemcontract SET risk_level = 'low'", DRAFTED),
        (
            "UPDATE governance_systemcontract SET expires_at = expires_at + interval '1 us'",
            DRAFTED,
        ),
        ("UPDATE governance_systemcontract SET proposed_changes = '[]'", DRAFTED),
        (
            "UPDATE governance_systemcontract SET validator_verdict ="
            " jsonb_set(validator_verdict, '{severity}', '\"high\"')",
            VALIDATED,
        ),
        ("UPDATE governance_systemcontract SET plan = plan - 0", DRAFTED),
        ("UPDATE governance_systemcontract SET confidence_score = 0.99", VALIDATED),
        (
            f"UPDATE governance_systemcontract SET content_digest = '{'0' * 64}',"
            f" approved_digest = '{'0' * 64}'",
            GRANTED,
        ),
        (
            "UPDATE governance_systemcontract SET approved_by_id ="
            " (SELECT id FROM governance_account WHERE username = 'second-founder')",
            APPROVED,
        ),
        (
            "UPDATE governance_systemcontract SET window_closes_at ="
            " window_closes_at + interval '1 hour'",
            APPROVED,
        ),
        ("UPDATE governance_approvalsignature SET note = 'Never'", APPROVED),
        ("UPDATE governance_approvalsignature SET quorum = 9", APPROVED),
        ("UPDATE governance_approvalsignature SET number = 2", APPROVED),
        ("UPDATE governance_approvalsignature SET shown = replace(shown, '50', '51')", APPROVED),
        ("UPDATE governance_approvalsignature SET view = replace(view, '20', '21')", APPROVED),
        ("UPDATE governance_approvalsignature SET view = view || ' '", APPROVED),
        (
            "UPDATE governance_approvalsignature SET view = view || ' ', view_digest ="
            " encode(sha256(convert_to(view || ' ', 'UTF8')), 'hex')",
            APPROVED,
        ),
        (f"UPDATE governance_approvalsignature SET view_digest = '{'0' * 64}'", APPROVED),
        (f"UPDATE governance_approvalsignature SET content_digest = '{'0' * 64}'", APPROVED),
        (
            "UPDATE governance_approvalsignature SET founder_id ="
            " (SELECT id FROM governance_account WHERE username = 'second-founder')",
            APPROVED,
        ),
        (
            "UPDATE governance_approvalsignature SET window_opens_at ="
            " window_opens_at - interval '1 us'",
            APPROVED,
        ),
        (
            "UPDATE governance_approvalsignature SET signed_at = signed_at + interval '1 us'",
            APPROVED,
        ),
        ("DELETE FROM governance_approvalsignature", APPROVED),
        ("UPDATE governance_jobstep SET target = 'Other' WHERE step_index = 1", CREATED),
        ("UPDATE governance_jobstep SET timeout_seconds = 9 WHERE step_index = 2", CREATED),
        ("UPDATE governance_governancejob SET timeout_minutes = 5", CREATED),
        (
            "UPDATE governance_healthsnapshot SET reading ="
            " jsonb_set(reading, '{system}', '\"BLOCKED\"') WHERE phase = 'BEFORE'",
            CREATED,
        ),
        ("DELETE FROM governance_healthsnapshot WHERE phase = 'BEFORE'", CREATED),
        (
            "UPDATE governance_governancejob SET started_at = started_at - interval '1 day'",
            STARTED,
        ),
        ("UPDATE governance_stepresult SET output = '{}' WHERE step_index = 0", STEP_0),
        ("UPDATE governance_stepresult SET status = 'FAILED' WHERE step_index = 1", STEP_1),
        ("DELETE FROM governance_stepresult WHERE step_index = 2", STEP_2),
        ("UPDATE governance_governancejob SET status = 'FAILED'", ENDED),
        ("UPDATE governance_governancejob SET end_reason = 'All well'", ENDED),
        ("UPDATE governance_auditevidence SET body = replace(body, 'true', 'null')", ENDED),
        (f"UPDATE governance_auditevidence SET sha256 = '{'0' * 64}'", ENDED),
        (
            "UPDATE governance_auditevidence SET collected_at = collected_at + interval '1 s'",
            ENDED,
        ),
        ("DELETE FROM governance_auditevidence", ENDED),
        # A row that cannot be parsed must be a finding, not an exception.
        ("UPDATE governance_auditevidence SET body = 'not JSON'", ENDED),
        ("UPDATE governance_auditevidence SET body = '[]'", ENDED),
        (
            "UPDATE governance_stepresult SET output = '99999999999999999999' WHERE step_index = 0",
            STEP_0,
        ),
        ("UPDATE governance_governanceaudit SET reason = 'Trust me'", PASSED),
        ("UPDATE governance_systemcontract SET closed_reason = 'Fine'", PASSED),
        (
            "UPDATE governance_systemcontract SET status = 'ACTIVE', closed_at = NULL,"
            " closed_by_id = NULL, closed_reason = '',"
            " audit_verdict = 'PENDING'",
            PASSED,
        ),
        ("DELETE FROM governance_ledgerentry WHERE event = 'contract.audit.passed'", PASSED),
        ("DELETE FROM governance_ledgerentry WHERE seq = 9", STEP_1),
        ("DELETE FROM governance_ledgerentry", DRAFTED),
        ("UPDATE governance_ledgerentry SET actor = 'user:1:eve' WHERE seq = 4", APPROVED),
        ("UPDATE governance_ledgerentry SET at = at - interval '1 hour' WHERE seq = 7", STARTED),
        (
            "UPDATE governance_ledgerentry SET body = replace(body, 'search', 'Search'),"
            " reason = 'x' WHERE seq = 3",
            GRANTED,
        ),
        (
            "UPDATE governance_ledgerentry SET hash = sha256('x'::bytea) WHERE seq = 5",
            ACTIVATED,
        ),
        (
            "UPDATE governance_ledgerentry SET seq = 30 - seq WHERE seq IN (8, 9)",
            STEP_0,
        ),
    ],
)
def test_rewritten_record__first_bad_entry_named(users: Users, attack: str, seq: int) -> None:
    contract = judged_job(users).contract
    tamper(attack)
    (finding,) = findings()
    assert (finding.contract_id, finding.seq) == (contract.pk, seq), finding.problem


def test_rehashed_entry__its_successor_does_not_link(users: Users) -> None:
    judged_job(users)
    tamper(
        "UPDATE governance_ledgerentry SET reason = 'Nice', body = changed.body,"
        " hash = sha256(prev_hash || convert_to(changed.body, 'UTF8'))"
        ' FROM (SELECT id AS entry_id, replace(body, \'"reason":""\', \'"reason":"Nice"\')'
        "       AS body FROM governance_ledgerentry WHERE seq = 5) AS changed"
        " WHERE id = changed.entry_id"
    )
    (finding,) = findings()
    assert (finding.seq, finding.problem) == (CREATED, "does not link to the entry before it")


@pytest.mark.parametrize(
    ("statement", "subject"),
    [
        (
            "INSERT INTO governance_stepresult (job_id, step_index, status, started_at,"
            " completed_at, error, recorded_at, recorded_by_id) SELECT id, 0, 'COMPLETED', now(),"
            " now(), '', now(), created_by_id FROM governance_governancejob",
            "step_result",
        ),
        (
            "INSERT INTO governance_healthsnapshot (job_id, phase, reading, observed_at)"
            " SELECT id, 'AFTER', '{}', now() FROM governance_governancejob",
            "health_after",
        ),
        (
            "INSERT INTO governance_auditevidence (job_id, body, sha256, collected_at)"
            " SELECT id, '{}', '', now() FROM governance_governancejob",
            "evidence",
        ),
        (
            "INSERT INTO governance_approvalsignature (contract_id, number, founder_id,"
            " signed_at, note, window_opens_at, window_closes_at, content_digest, view_digest,"
            " view, shown, quorum) SELECT contract_id, 2, founder_id, signed_at, note,"
            " window_opens_at, window_closes_at, content_digest, view_digest, view, shown, quorum"
            " FROM governance_approvalsignature",
            "signature 2",
        ),
    ],
)
def test_row_that_no_entry_vouches_for__found_after_the_last_entry(
    users: Users, statement: str, subject: str
) -> None:
    pending_job(users)
    tamper(statement)
    (finding,) = findings()
    assert finding.seq == LedgerEntry.objects.count() + 1
    assert finding.problem.startswith(f"no entry vouches for {subject}")


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ("confidence_score = 1", "the recorded data is not what validator_verdict_sha256"),
        ("validator_verdict = '{}'", "the recorded data is not what validator_verdict_sha256"),
        (
            "eligibility_decision = 'MAY'",
            "the recorded data is not what eligibility_verdict_sha256",
        ),
        ("content_digest = 'c'", "no entry vouches for content"),
        ("approval_note = 'Signed.'", "no entry vouches for approval"),
    ],
)
def test_refused_contract__column_that_speaks_for_it__found(
    users: Users, columns: str, problem: str
) -> None:
    record_review_verdicts(
        contract_id=draft(users).pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=MAY_NOT,
        actor=users.operator,
    )
    tamper(f"UPDATE governance_systemcontract SET {columns}")
    (finding,) = findings()
    assert finding.problem.startswith(problem)


@pytest.mark.parametrize(
    ("columns", "record"),
    [
        ("confidence_score = 0", "validator_verdict"),
        ("validator_verdict = '{}'", "validator_verdict"),
        ("eligibility_verdict = '{}'", "eligibility_verdict"),
        ("validator_verdict = '\"\"'", "validator_verdict"),
        ("validator_verdict = 'null'", "validator_verdict"),
        ("eligibility_verdict = 'null'", "eligibility_verdict"),
        ("eligibility_decision = ''", "eligibility_verdict"),
        ("content_digest = ''", "content"),
        ("approved_digest = ''", "approval"),
    ],
)
def test_draft__zero_confidence_or_empty_verdict_without_an_entry__found(
    users: Users, columns: str, record: str
) -> None:
    """0 and {} are recorded values and need an entry; only NULL means that no value is recorded."""
    contract = draft(users)
    assert findings() == []
    tamper(f"UPDATE governance_systemcontract SET {columns}")
    assert findings() == [Finding(contract.pk, DRAFTED + 1, f"no entry vouches for {record} ")]


def test_row_doubled__the_entry_that_vouches_for_it_is_named(users: Users) -> None:
    judged_job(users)
    owner_says("ALTER TABLE governance_stepresult DROP CONSTRAINT result_once_per_step")
    tamper(
        "INSERT INTO governance_stepresult (job_id, step_index, status, started_at, completed_at,"
        " output, error, recorded_at, recorded_by_id) SELECT job_id, step_index, status,"
        " started_at, completed_at, output, error, recorded_at, recorded_by_id"
        " FROM governance_stepresult WHERE step_index = 1"
    )
    (finding,) = findings()
    assert finding.seq == STEP_1


def test_contract_removed__its_chain_is_named_where_all_are_checked(users: Users) -> None:
    contract = eligible(users)
    tamper("DELETE FROM governance_systemcontract")
    assert findings() == [Finding(contract.pk, 1, "there is no such contract")]
    assert list(verify_ledger([contract.pk])) == []


def test_job_cancelled__while_health_was_unknown__is_whole(users: Users, settings: Any) -> None:
    job = pending_job(users)
    settings.GOVSITE = settings.GOVSITE | {"HEALTH_PROVIDER": FAILING[0]}
    cancel_job(job_id=job.pk, reason="Too late.", actor=users.operator)
    assert not HealthSnapshot.objects.filter(job=job, phase="AFTER").exists()
    assert findings() == []


def test_job_removed_with_its_rows__the_entry_that_made_it_is_named(users: Users) -> None:
    contract = pending_job(users).contract
    for table in ("jobstep", "healthsnapshot", "governancejob"):
        tamper(f"DELETE FROM governance_{table}")
    (finding,) = findings()
    assert (finding.contract_id, finding.seq) == (contract.pk, CREATED)


def rehash_last_entry(**changes: Any) -> None:
    """Change body and columns of the last entry of the only chain, and recompute its hash."""
    last = LedgerEntry.objects.latest("seq")
    body = json.loads(last.body) | changes
    text = canonical_text(body)
    columns = {name: value for name, value in changes.items() if name != "records"}
    columns |= {"body": text, "hash": entry_hash(bytes(last.prev_hash), text)}
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE governance_ledgerentry SET {', '.join(f'{name} = %s' for name in columns)}"
            " WHERE seq = %s",
            [*columns.values(), last.seq],
        )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"records": {}}, "contract.audit.passed does not vouch for []"),
        (
            {"records": {"audit_sha256": "a" * 64}},
            "contract.audit.passed does not vouch for ['audit_sha256']",
        ),
        ({"event": "contract.audit.praised"}, "contract.audit.praised does not vouch for"),
        ({"to_status": ""}, "the status of contract.audit.passed cannot be empty"),
        ({"from_status": "APPROVED"}, "begins at 'APPROVED', but the status was 'ACTIVE'"),
    ],
)
def test_last_entry__rehashed_to_say_what_none_can__found(
    users: Users, changes: dict[str, Any], problem: str
) -> None:
    judged_job(users)
    rehash_last_entry(**changes)
    (finding,) = findings()
    assert finding.seq == PASSED
    assert finding.problem.startswith(problem), finding.problem


def test_job_moved__without_an_entry__found(users: Users) -> None:
    pending_job(users)
    tamper(
        "UPDATE governance_governancejob"
        " SET status = 'CANCELLED', ended_at = now(), ended_by_id = created_by_id"
    )
    (finding,) = findings()
    assert finding.problem == "the job is CANCELLED, but the last entry says PENDING"


def test_verdict_shown_by_the_contract__never_recorded__found(users: Users) -> None:
    running_job(users)
    tamper("UPDATE governance_systemcontract SET audit_verdict = 'INCONCLUSIVE'")
    (finding,) = findings()
    assert finding.problem == "the contract's verdict is INCONCLUSIVE, but PENDING was given"


def test_record__that_no_event_knows__is_a_mistake_of_ours(users: Users) -> None:
    [contract_record] = load_contract_records([eligible(users).pk])
    with pytest.raises(KeyError, match="magic_sha256"):
        contract_record.digest_of("magic_sha256")


def test_true_entry_appended_again_at_the_end__out_of_turn(users: Users) -> None:
    contract = judged_job(users, AuditVerdict.INCONCLUSIVE).contract
    last = LedgerEntry.objects.get(seq=PASSED)
    append_entries(
        contract_id=contract.pk,
        entries=[NewEntry(last.event, records=json.loads(last.body)["records"])],
        actor=users.auditor,
        at=last.at,
    )
    (finding,) = findings()
    assert (finding.seq, finding.problem) == (PASSED + 1, f"{last.event} is out of turn")


def test_chain_begun_before_drafts_were_vouched_for__is_whole(users: Users) -> None:
    draft(users)
    entry = LedgerEntry.objects.get()
    document = json.loads(entry.body)
    del document["records"]["draft_sha256"]
    body = canonical_text(document)
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE governance_ledgerentry SET body = %s, hash = %s",
            [body, entry_hash(GENESIS, body)],
        )
    assert findings() == []


def test_cursor_moved_without_result__found(users: Users) -> None:
    running_job(users)
    tamper("UPDATE governance_governancejob SET current_step_index = 1")
    (finding,) = findings()
    assert finding.problem == "the job's cursor is 1, but it has 0 results"


def test_one_of_many_contracts__the_right_one_is_named(users: Users) -> None:
    jobs = [finished_job(users) for _ in range(3)]
    tamper(
        "UPDATE governance_stepresult SET error = 'x'"
        f" WHERE step_index = 1 AND job_id = '{jobs[1].pk}'"
    )
    (finding,) = findings()
    assert (finding.contract_id, finding.seq) == (jobs[1].contract_id, STEP_1)


def test_chosen_contracts__only_they_are_checked(users: Users) -> None:
    chosen, other = finished_job(users).contract, finished_job(users).contract
    tamper(f"UPDATE governance_systemcontract SET title = 'Other' WHERE id = '{other.pk}'")
    assert [checked.finding for checked in verify_ledger([chosen.pk])] == [None]


@pytest.mark.parametrize("body", ["no JSON", "[]", "7", '{"records":null}', '{"records":[]}'])
def test_rehashed_entry__that_is_no_entry_any_more__is_a_finding(users: Users, body: str) -> None:
    judged_job(users)
    tamper(
        f"UPDATE governance_ledgerentry SET body = '{body}',"
        f" hash = sha256(prev_hash || convert_to('{body}', 'UTF8')) WHERE seq = 12"
    )
    (finding,) = findings()
    assert (finding.seq, finding.problem) == (PASSED, "its body is not an entry")


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE governance_jobstep SET change = (repeat('[', 2000) || repeat(']', 2000))::jsonb",
        "UPDATE governance_stepresult SET recorded_at = 'infinity'",
    ],
)
def test_record_that_cannot_be_loaded__named_beside_the_others_that_are_whole(
    users: Users, attack: str
) -> None:
    whole, broken = judged_job(users), judged_job(users)
    tamper(f"{attack} WHERE job_id = '{broken.pk}'")
    checked = {result.contract_id: result.finding for result in verify_ledger()}
    assert checked[whole.contract_id] is None
    finding = checked[broken.contract_id]
    assert finding is not None
    assert (finding.seq, finding.problem.partition(": ")[0]) == (1, "the record cannot be read")


# The sequence numbers of the question and the answer in the chain of an ELIGIBLE contract.
ASKED, ANSWERED, BEYOND = 4, 5, 6


@pytest.mark.parametrize(
    ("attack", "seq"),
    [
        ("UPDATE governance_clarificationrequest SET question = 'Why not?'", ASKED),
        (
            "UPDATE governance_clarificationrequest SET asked_at = asked_at - interval '1 hour'",
            ASKED,
        ),
        ("UPDATE governance_clarificationrequest SET asked_by_id = asked_by_id + 1", ASKED),
        ("UPDATE governance_clarificationrequest SET number = 2", ASKED),
        ("UPDATE governance_clarificationanswer SET answer = 'Never mind'", ANSWERED),
        (
            "UPDATE governance_clarificationanswer"
            " SET answered_at = answered_at + interval '1 hour'",
            ANSWERED,
        ),
        ("DELETE FROM governance_clarificationanswer", ANSWERED),
        ("DELETE FROM governance_ledgerentry WHERE seq = 4", ASKED),
        ("DELETE FROM governance_ledgerentry WHERE seq = 5", BEYOND - 1),
        (
            "UPDATE governance_systemcontract SET review_ends_at = review_ends_at"
            " + interval '1 us'",
            BEYOND,
        ),
        ("UPDATE governance_systemcontract SET review_ends_at = NULL", BEYOND),
        ("UPDATE governance_systemcontract SET review_ends_at = expires_at", BEYOND),
    ],
)
def test_clarification_rewritten__verified__found(users: Users, attack: str, seq: int) -> None:
    contract = answered(users)
    tamper(attack)
    [found] = findings()
    assert (found.contract_id, found.seq) == (contract.pk, seq), found.problem


def test_clarification__recorded_after_the_decision__found(users: Users) -> None:
    contract = answered(users)
    reject_contract(contract_id=contract.pk, founder=users.founder, reason="Not before the sale.")
    with triggers_off():
        row = ClarificationRequest.objects.create(
            contract=contract, number=2, question="Oh?", asked_by=users.founder, asked_at=now()
        )
        entry = NewEntry(
            "contract.review.clarification_requested",
            records={"clarification_sha256": digest(row.as_record())},
        )
        append_entries(contract_id=contract.pk, actor=users.founder, at=now(), entries=[entry])
    [found] = findings()
    assert found.seq == 7
    assert "out of turn" in found.problem


def test_answer__recorded_without_a_question__found(users: Users) -> None:
    contract = eligible(users)
    with triggers_off():
        entry = NewEntry("contract.review.clarified", records={"clarification_answer_sha256": None})
        append_entries(contract_id=contract.pk, actor=users.founder, at=now(), entries=[entry])
    [found] = findings()
    assert (found.seq, "out of turn" in found.problem) == (4, True)


def test_signature__that_one_of_two_took_back__found(users: Users, settings: Any) -> None:
    settings.GOVSITE = settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}
    contract = signed(users)
    signed(users, contract, founder=users.second_founder)
    assert findings() == []
    tamper("DELETE FROM governance_approvalsignature WHERE number = 1")
    [found] = findings()
    assert (found.contract_id, found.seq) == (contract.pk, APPROVED)


def test_signature__recorded_after_the_decision__found(users: Users, settings: Any) -> None:
    settings.GOVSITE = settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}
    contract = signed(users)
    reject_contract(contract_id=contract.pk, founder=users.second_founder, reason="Not this one.")
    with triggers_off():
        row = ApprovalSignature.objects.get()
        row.pk, row.number = None, 2
        row.save(force_insert=True)
        entry = NewEntry(
            "contract.review.signed", records={"signature_sha256": digest(row.as_record())}
        )
        append_entries(contract_id=contract.pk, actor=users.founder, at=now(), entries=[entry])
    [found] = findings()
    assert (found.seq, "out of turn" in found.problem) == (6, True), found.problem


def test_approval__given_before_signatures_were_kept__is_whole(users: Users) -> None:
    contract = approved(users)
    entry = LedgerEntry.objects.get(contract=contract, seq=APPROVED)
    document = json.loads(entry.body)
    del document["records"]["signature_sha256"]
    body = canonical_text(document)
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM governance_approvalsignature")
        cursor.execute(
            "UPDATE governance_ledgerentry SET body = %s, hash = %s WHERE id = %s",
            [body, entry_hash(bytes(entry.prev_hash), body), entry.pk],
        )
    assert findings() == []


# The last sequence number of a superseded contract, and the first of its successor.
SUPERSEDED, BORN = 4, 1
OF_PARENT = "id = (SELECT parent_id FROM governance_systemcontract WHERE parent_id IS NOT NULL)"


@pytest.mark.parametrize(
    ("attack", "bad"),
    [
        (
            "UPDATE governance_systemcontract SET parent_id = NULL WHERE parent_id IS NOT NULL",
            {"old": SUPERSEDED, "new": BORN},
        ),
        (
            "UPDATE governance_systemcontract SET parent_id ="
            " (SELECT id FROM governance_systemcontract WHERE title = 'Other')"
            " WHERE parent_id IS NOT NULL",
            {"old": SUPERSEDED, "new": BORN, "other": SUPERSEDED},
        ),
        (
            "UPDATE governance_systemcontract SET parent_id = id WHERE parent_id IS NOT NULL",
            {"old": SUPERSEDED, "new": BORN},
        ),
        (
            f"UPDATE governance_systemcontract SET closed_reason = 'No.' WHERE {OF_PARENT}",
            {"old": SUPERSEDED},
        ),
        (
            "DELETE FROM governance_ledgerentry WHERE event = 'contract.review.superseded'",
            {"old": SUPERSEDED},
        ),
        (
            "UPDATE governance_ledgerentry SET event = 'contract.review.rejected'"
            " WHERE event = 'contract.review.superseded'",
            {"old": SUPERSEDED},
        ),
        (
            "UPDATE governance_systemcontract SET id = gen_random_uuid()"
            " WHERE parent_id IS NOT NULL",
            {"old": SUPERSEDED, "new": 1, "renamed": 1},
        ),
    ],
)
def test_succession_rewritten__verified__found(
    users: Users, attack: str, bad: dict[str, int]
) -> None:
    other, new = eligible(users, title="Other"), modified(users)
    names = {new.parent_id: "old", new.pk: "new", other.pk: "other"}
    tamper(attack)
    found = {names.get(one.contract_id, "renamed"): one.seq for one in findings()}
    assert found == bad


def test_second_successor__verified__both_are_named(users: Users) -> None:
    other, new = eligible(users), modified(users)
    owner_says(
        "ALTER TABLE governance_systemcontract"
        " DROP CONSTRAINT governance_systemcontract_parent_id_key"
    )
    tamper(
        f"UPDATE governance_systemcontract SET parent_id = '{new.parent_id}'"
        f" WHERE id = '{other.pk}'"
    )
    found = {one.contract_id: one.seq for one in findings()}
    assert found == {other.pk: BORN, new.parent_id: SUPERSEDED}


def test_successor_removed_with_its_chain__its_parent_is_named(users: Users) -> None:
    new = modified(users)
    tamper("DELETE FROM governance_systemcontract WHERE parent_id IS NOT NULL")
    tamper(f"DELETE FROM governance_ledgerentry WHERE contract_id = '{new.pk}'")
    [found] = findings()
    assert (found.contract_id, found.seq) == (new.parent_id, SUPERSEDED)
    assert "successor_id" in found.problem


def test_parent_removed_with_its_chain__its_successor_is_named(users: Users) -> None:
    new = modified(users)
    tamper(f"DELETE FROM governance_systemcontract WHERE {OF_PARENT}")
    tamper(f"DELETE FROM governance_ledgerentry WHERE contract_id = '{new.parent_id}'")
    [found] = findings()
    assert (found.contract_id, found.seq) == (new.pk, BORN + 1)
    assert found.problem == "the contract that it replaces is missing, or is not REJECTED"


def test_parent_shown_as_open_again_with_a_shorter_chain__both_are_named(users: Users) -> None:
    new = modified(users)
    tamper(
        "UPDATE governance_systemcontract SET status = 'ELIGIBLE', closed_at = NULL,"
        f" closed_by_id = NULL, closed_reason = '' WHERE {OF_PARENT}"
    )
    tamper("DELETE FROM governance_ledgerentry WHERE event = 'contract.review.superseded'")
    found = {one.contract_id: one.problem for one in findings()}
    assert found[new.parent_id] == "no entry vouches for successor_id "
    assert found[new.pk].startswith("the contract that it replaces")
