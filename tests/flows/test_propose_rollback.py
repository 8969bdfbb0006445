"""Rollbacks: what a verdict of FAIL proposes, what is left out, and who hears of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.authorities.contract import rollbacks
from governance.authorities.contract.rollbacks import rollbacks_of
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.review.queue import (
    QueueCursor,
    QueueFilter,
    queue_page,
    waiting_contracts,
)
from governance.db.clock import database_now
from governance.domain.errors import (
    BusyError,
    ContractNotFoundError,
    MayNotVerdictError,
    NothingToRollBackError,
    NotRolledBackError,
    RollbackOpenError,
    WrongPersonError,
)
from governance.domain.rules import rule_results
from governance.domain.values import AuditVerdict, ContractStatus, RiskLevel
from governance.flows import propose_rollback as propose_rollback_flow
from governance.flows.audit_job import resolve_audit
from governance.flows.propose_rollback import ask_for_rollback, preview_rollback
from governance.flows.review_contract import reject_contract
from governance.models import LedgerEntry, Notice, SystemContract
from governance.models.fields import new_id
from governance.record.ledger.verification import verify_contract, verify_ledger
from governance.record.retention.document import contract_record_text, parse_contract_record
from tests.support.attacks import check_deferred_triggers, run_sql, trigger_off
from tests.support.factories import (
    Running,
    contract_in,
    eligible,
    judged_job,
    pending_job,
    reloaded,
)
from tests.support.registry import set_lifecycle, set_value
from tests.support.rollbacks import (
    CHANGES,
    UNDONE,
    failed_contract,
    half_done,
    judge_fail,
    register_search,
    rollback_of,
    stopped_after,
)
from tests.support.users import Users


@pytest.fixture(autouse=True)
def search(users: Users) -> None:
    register_search(users)


def notices(kind: str) -> set[tuple[str, str]]:
    return {(one.account.username, one.text) for one in Notice.objects.filter(kind=kind)}


# --- what is proposed ---
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_rollback__of_a_failed_contract__undoes_its_completed_steps_in_reverse(
    users: Users, steps: int
) -> None:
    failed = failed_contract(users, steps=steps)
    rollback = rollback_of(failed)
    check_deferred_triggers()
    assert rollback.proposed_changes == UNDONE[3 - steps :]
    assert [step["change"] for step in rollback.plan] == rollback.proposed_changes
    assert rollback.status == ContractStatus.ELIGIBLE
    assert rollback.proposed_by.username == "scheduler"
    assert (rollback.reference, rollback.title) == (
        f"{failed.reference} (rollback 1)",
        f"Roll back: {failed.title}",
    )
    same = ("requested_by", "risk_level", "validator_verdict", "source", "affected_capabilities")
    assert [getattr(rollback, name) for name in same] == [getattr(failed, name) for name in same]
    assert [one.finding for one in verify_ledger()] == [None, None]


def test_rollback__is_asked_only_two_rules__and_names_what_it_undoes(users: Users) -> None:
    failed = failed_contract(users)
    rollback = rollback_of(failed)
    verdict = rollback.eligibility_verdict or {}
    assert [(one.code, one.outcome) for one in rule_results(verdict)] == [
        ("E-102", "passed"),
        ("E-002", "passed"),
    ]
    assert verdict["decision"] == "MAY"
    assert failed.reference in verdict["reason"]
    entries = LedgerEntry.objects.filter(contract=rollback).order_by("seq")
    assert [(one.event, one.to_status) for one in entries] == [
        ("contract.proposal.drafted", "DRAFT"),
        ("contract.validation.recorded", "VALIDATED"),
        ("contract.eligibility.granted", "ELIGIBLE"),
    ]
    assert entries[0].reason == f"Rolls back {failed.reference}."
    assert entries[0].actor.endswith(":scheduler")


def test_rollback__that_disables__keeps_the_risk_of_the_contract(users: Users) -> None:
    set_lifecycle("Search", "DISABLED")
    failed = failed_contract(users, steps=1, risk_level="low")
    rollback = rollback_of(failed)
    assert rollback.proposed_changes[0]["type"] == "capability_disable"
    assert (rollback.risk_level, rollback.risk_asked) == ("low", None)


def test_rollback__of_an_inconclusive_audit_settled_as_fail__is_proposed_too(users: Users) -> None:
    job = judged_job(users, AuditVerdict.INCONCLUSIVE, proposed_changes=CHANGES)
    resolve_audit(
        job_id=job.pk,
        verdict=AuditVerdict.FAIL,
        reason="The platform shows another value.",
        resolver=users.second_auditor,
    )
    assert rollback_of(job.contract).proposed_changes == UNDONE


@pytest.mark.parametrize("steps", [0, 3])
def test_rollback__without_a_completed_step_or_after_pass__is_none(
    users: Users, steps: int
) -> None:
    if steps == 0:
        failed_contract(users, steps=0)
    else:
        judged_job(users, proposed_changes=CHANGES)
    assert not SystemContract.objects.filter(rolls_back__isnull=False).exists()
    assert not Notice.objects.filter(kind__startswith="rollback").exists()


def test_rollback__of_two_steps_on_one_key__restores_the_first_value(users: Users) -> None:
    change = CHANGES[1]
    twice = [change, change | {"new_value": 70}]
    rollback = rollback_of(failed_contract(users, proposed_changes=twice))
    values = [(one["old_value"], one["new_value"]) for one in rollback.proposed_changes]
    assert values == [(70, 50), (50, 20)]


def test_rollback__archived__is_in_its_file_and_only_there(users: Users) -> None:
    failed = failed_contract(users)
    rollback = rollback_of(failed)
    reject_contract(
        contract_id=rollback.pk, founder=users.founder, reason="It is better left as it is."
    )
    for contract, has_link in ((rollback, True), (failed, False)):
        _, record = verify_contract(contract.pk)
        assert record is not None
        text = contract_record_text(record)
        assert ("rolls_back_id" in text) == has_link
        assert "approval_kind" not in text
        assert contract_record_text(parse_contract_record(text)) == text


# --- what is left out ---
def test_setting__that_moved_since__is_left_out_and_named(users: Users) -> None:
    job = half_done(users, steps=3)
    set_value("Search", "page_size", 33)
    rollback = rollback_of(judge_fail(users, job))
    assert rollback.proposed_changes == [UNDONE[0], UNDONE[2]]
    named = "page_size of Search (it is 33 now, and the step set it to 50)"
    assert named in rollback.description
    assert all(named in text for _, text in notices("rollback_proposed"))


def test_parameter__that_moved_since__is_left_out_of_its_change(users: Users) -> None:
    job = half_done(users, steps=3)
    set_value("Search", "limit", 6)
    rollback = rollback_of(judge_fail(users, job))
    assert rollback.proposed_changes[0]["parameters"] == {"new": None}
    assert rollback.proposed_changes[1:] == UNDONE[1:]


def test_setting__that_was_set_to_the_same_value_since__is_left_out(users: Users) -> None:
    job = half_done(users, steps=2)
    set_value("Search", "page_size", 50)
    rollback = rollback_of(judge_fail(users, job))
    assert rollback.proposed_changes == [UNDONE[2]]
    assert "it was set again since" in rollback.description


def test_setting__that_moved_between_plan_and_start__is_left_out(users: Users) -> None:
    job = pending_job(users, proposed_changes=CHANGES)
    set_value("Search", "page_size", 31)
    job, token = GovernanceOrchestrator.start_job(job.pk, executor=users.executor)
    failed = judge_fail(users, stopped_after(Running(job, token, users), 2))
    rollback = rollback_of(failed)
    assert rollback.proposed_changes == [UNDONE[2]]
    assert "it was 31 before the job, and 20 when it was planned" in rollback.description


def test_rollback__of_which_nothing_is_left__is_not_proposed_and_reported(users: Users) -> None:
    job = half_done(users, steps=1)
    set_lifecycle("Search", "DEPRECATED")
    failed = judge_fail(users, job)
    assert not failed.rollbacks.exists()
    text = (
        "Failed, and no rollback was proposed. Nothing is left to roll back: the lifecycle of"
        ' Search (it is "DEPRECATED" now, and the step set it to "PREVIEW").'
    )
    assert notices("rollback_not_made") == {("operator", text), ("founder", text)}
    with pytest.raises(NothingToRollBackError):
        ask_for_rollback(contract_id=failed.pk, person=users.operator)


def test_step__on_an_unregistered_capability__has_no_rollback_and_is_named(users: Users) -> None:
    failed = failed_contract(
        users,
        steps=1,
        affected_capabilities=["Unheard of"],
        proposed_changes=[CHANGES[0] | {"capability_name": "Unheard of"}],
    )
    assert not failed.rollbacks.exists()
    assert all(
        "no value is recorded from before the step" in text
        for _, text in notices("rollback_not_made")
    )


def test_reference__that_another_transaction_took__is_passed_over(
    users: Users, monkeypatch: Any
) -> None:
    taken = eligible(users).reference
    monkeypatch.setattr(rollbacks, "free_references", lambda *_: iter([taken, "FREE-1"]))
    assert rollback_of(failed_contract(users)).reference == "FREE-1"


# --- a rollback that cannot be proposed does not stop the verdict ---
def test_verdict__with_a_frozen_capability__is_recorded_without_a_rollback(users: Users) -> None:
    job = half_done(users)
    with trigger_off("governance_capability", "registry_row_kept"):
        run_sql("UPDATE governance_capability SET frozen = true")
    failed = judge_fail(users, job)
    assert failed.status == ContractStatus.FAILED
    assert not failed.rollbacks.exists()
    [(_, text), _] = notices("rollback_not_made")
    assert text.endswith(f"Rolls back {failed.reference}. Frozen: Search.")
    with pytest.raises(MayNotVerdictError):
        ask_for_rollback(contract_id=failed.pk, person=users.founder)


def test_verdict__while_the_database_is_busy__is_tried_again_as_a_whole(
    users: Users, monkeypatch: Any
) -> None:
    def busy(**_: Any) -> None:
        raise BusyError("busy", details={"undone_by": "deadlock"})

    monkeypatch.setattr(propose_rollback_flow, "create_rollback", busy)
    job = half_done(users)
    with pytest.raises(BusyError):
        judge_fail(users, job)
    assert reloaded(job.contract).status == ContractStatus.ACTIVE


# --- who hears of it ---
def test_rollback__notifies_proposer_and_signers(users: Users) -> None:
    failed = failed_contract(users)
    text = f"{failed.reference} (rollback 1) would roll this back, and waits for review."
    assert notices("rollback_proposed") == {("operator", text), ("founder", text)}


def test_rollbacks__more_than_five_in_an_hour__notify_all_founders_once(users: Users) -> None:
    for number in range(7):
        job = half_done(users, steps=2)
        judge_fail(users, job)
        sent = notices("many_rollbacks")
        assert bool(sent) == (number >= 5)
        set_lifecycle("Search", "LAUNCHED")
        set_value("Search", "page_size", 20)
    text = "6 rollbacks were proposed within an hour."
    assert sent == {("founder", text), ("second-founder", text)}


# --- at the head of the queue ---
def test_rollback__waits_before_every_other_contract(users: Users) -> None:
    at = database_now()
    eligible(users, risk_level="critical", at=at - timedelta(days=3))
    failed = failed_contract(users, risk_level="low", affected_capabilities=["Search"])
    page = queue_page(at=database_now())
    assert [row.rolls_back_id for row in page.rows] == [failed.pk, None]
    other = page.rows[1]
    [row] = queue_page(at=at, before=QueueCursor.of(other)).rows
    assert row.rolls_back_id == failed.pk


def test_rollback__in_the_queue_of_its_risk__comes_first_on_every_page(users: Users) -> None:
    failed = failed_contract(users, risk_level="low")
    references = {eligible(users, risk_level="low").reference for _ in range(3)}
    eligible(users, risk_level="medium")
    low = QueueFilter(risk=RiskLevel.LOW)
    first = queue_page(low, at=database_now(), size=2)
    assert (first.rows[0].rolls_back_id, first.has_later) == (failed.pk, True)
    after = QueueCursor.of(first.rows[1])
    second = queue_page(low, at=database_now(), size=2, after=after)
    assert {row.reference for row in (first.rows[1], *second.rows)} == references
    assert not second.has_later
    back = queue_page(low, at=database_now(), size=2, before=QueueCursor.of(second.rows[0]))
    assert [row.pk for row in back.rows] == [row.pk for row in first.rows]
    assert {row.pk for row in waiting_contracts(low, at=database_now())} == {
        row.pk for row in (*first.rows, *second.rows)
    }


# --- a person asks for it ---
@pytest.mark.parametrize("who", ["operator", "founder"])
def test_person__asks_again_after_a_rejection__and_may_sign_it(users: Users, who: str) -> None:
    failed = failed_contract(users)
    reject_contract(
        contract_id=rollback_of(failed).pk, founder=users.founder, reason="Let us wait a day."
    )
    again = ask_for_rollback(contract_id=failed.pk, person=getattr(users, who))
    assert again.reference == f"{failed.reference} (rollback 2)"
    assert again.proposed_by.username == "scheduler"
    entry = LedgerEntry.objects.get(contract=again, seq=1)
    assert entry.reason == f"Rolls back {failed.reference}, as {getattr(users, who)} asked."


def test_request__is_refused_where_it_cannot_be(users: Users) -> None:
    failed = failed_contract(users)
    ask = {"contract_id": failed.pk, "person": users.operator}
    with pytest.raises(RollbackOpenError):
        ask_for_rollback(**ask)
    with pytest.raises(WrongPersonError):
        ask_for_rollback(**ask | {"person": users.auditor})
    with pytest.raises(ContractNotFoundError):
        ask_for_rollback(**ask | {"contract_id": new_id()})
    with pytest.raises(NotRolledBackError, match="this one is ELIGIBLE"):
        ask_for_rollback(**ask | {"contract_id": rollback_of(failed).pk})
    stopped = failed_contract(users, steps=0)
    with pytest.raises(NotRolledBackError, match="No step"):
        ask_for_rollback(**ask | {"contract_id": stopped.pk})


def test_preview__says_what_the_rollback_would_do(users: Users) -> None:
    failed = failed_contract(users)
    preview = preview_rollback(failed)
    assert preview is not None
    assert [dict(change) for change in preview.changes] == UNDONE[1:]
    other = contract_in(users, ContractStatus.ELIGIBLE)
    assert preview_rollback(other) is None
    assert list(rollbacks_of(failed)) == [rollback_of(failed)]
    assert list(rollbacks_of(other)) == []
