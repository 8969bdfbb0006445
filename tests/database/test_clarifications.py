"""Raw SQL against questions, answers, comments and the end of the review time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.domain.values import ContractStatus
from governance.models import ClarificationRequest, SystemContract
from tests.support.attacks import (
    check_deferred_triggers,
    insert_row,
    run_sql,
    update_row,
    violates_constraint,
)
from tests.support.clock import clock_at
from tests.support.contracts import taken_back
from tests.support.factories import answered, asked, contract_in, draft, eligible, now, reloaded
from tests.support.forgery import CONTRACT, forge_entry
from tests.support.roles import as_owner
from tests.support.users import Users

QUESTION = "governance_clarificationrequest"
ANSWER = "governance_clarificationanswer"
COMMENT = "governance_contractcomment"
ASKED, CLARIFIED = "contract.review.clarification_requested", "contract.review.clarified"
HOUR = timedelta(hours=1)


def forge_question(contract: SystemContract, users: Users, **changes: Any) -> None:
    row = {
        "contract_id": contract.pk,
        "number": 1,
        "question": "Why?",
        "asked_by_id": users.founder.pk,
        "asked_at": now(),
    }
    insert_row(QUESTION, **(row | changes))


def forge_answer(contract: SystemContract, users: Users, **changes: Any) -> None:
    row = {
        "request_id": ClarificationRequest.objects.filter(contract=contract).last().pk,  # type: ignore[union-attr]
        "answer": "Because.",
        "answered_by_id": users.operator.pk,
        "answered_at": now(),
    }
    insert_row(ANSWER, **(row | changes))


def test_forger__who_writes_everything_as_it_should_be__passes(users: Users) -> None:
    """A control: the attacks below fail because of what each changes in these writes."""
    contract = eligible(users)
    with as_owner():
        forge_question(contract, users)
        update_row(CONTRACT, contract.pk, review_ends_at=None)
        forge_entry(contract.pk, event=ASKED)
        check_deferred_triggers()
        with clock_at(now() + HOUR):
            forge_answer(contract, users)
            ends_at = contract.expires_at + HOUR
            update_row(CONTRACT, contract.pk, review_ends_at=ends_at, updated_at=now())
            forge_entry(contract.pk, event=CLARIFIED)
            check_deferred_triggers()


# --- written once ---
@pytest.mark.parametrize(
    ("table", "constraint", "column"),
    [
        (QUESTION, "clarification_request_append_only", "question"),
        (ANSWER, "clarification_answer_append_only", "answer"),
        (COMMENT, "comment_append_only", "text"),
    ],
)
def test_row__changed_removed_or_truncated__refused(
    users: Users, table: str, constraint: str, column: str
) -> None:
    contract = answered(users)
    insert_row(COMMENT, contract_id=contract.pk, text="Hm.", by_id=users.viewer.pk, at=now())
    with violates_constraint(constraint):
        run_sql(f"UPDATE {table} SET {column} = 'Other'")
    with violates_constraint(constraint):
        run_sql(f"DELETE FROM {table}")
    with violates_constraint(constraint):
        run_sql(f"TRUNCATE {table} CASCADE")


def test_text__that_says_nothing__refused(users: Users) -> None:
    contract, waiting = eligible(users), asked(users)
    with violates_constraint("clarification_question_not_empty"):
        forge_question(contract, users, question="")
    with violates_constraint("clarification_answer_not_empty"):
        forge_answer(waiting, users, answer="")
    with violates_constraint("comment_text_not_empty"):
        insert_row(COMMENT, contract_id=contract.pk, text="", by_id=users.viewer.pk, at=now())


# --- in order ---
@pytest.mark.parametrize("status", [s for s in ContractStatus if s.value != "VALIDATED"])
def test_question__about_a_contract_in_another_state__refused(
    users: Users, status: ContractStatus
) -> None:
    contract = contract_in(users, status)
    if status is ContractStatus.ELIGIBLE:
        with taken_back():
            forge_question(contract, users)
        return
    with violates_constraint("clarification_in_turn"):
        forge_question(contract, users)


def test_question__second_while_one_is_open__refused(users: Users) -> None:
    contract = asked(users)
    with violates_constraint("clarification_in_turn"):
        forge_question(contract, users, number=2)


@pytest.mark.parametrize("number", [0, 1, 3])
def test_question__with_another_number_than_the_next__refused(users: Users, number: int) -> None:
    contract = answered(users)
    with violates_constraint("clarification_in_turn"):
        forge_question(contract, users, number=number)


def test_question__before_the_last_answer_or_after_the_end__refused(users: Users) -> None:
    contract = answered(users)
    last = ClarificationRequest.objects.get().answer.answered_at
    moment = timedelta(microseconds=1)
    for at in (last - moment, contract.review_ends_at + moment):
        with clock_at(at), violates_constraint("clarification_in_turn"):
            forge_question(contract, users, number=2)
    for at in (last, contract.review_ends_at):
        with clock_at(at), taken_back():
            forge_question(contract, users, number=2)


def test_question__by_the_proposer__refused(users: Users) -> None:
    with violates_constraint("clarification_four_eyes"):
        forge_question(eligible(users), users, asked_by_id=users.operator.pk)


def test_answer__by_who_asked_or_before_the_question__refused(users: Users) -> None:
    contract = asked(users)
    with violates_constraint("clarification_four_eyes"):
        forge_answer(contract, users, answered_by_id=users.founder.pk)
    with violates_constraint("clarification_in_turn"):
        forge_answer(contract, users, answered_at=now() - timedelta(seconds=1))


def test_answer__second__refused(users: Users) -> None:
    with violates_constraint("governance_clarificationanswer_request_id_key"):
        forge_answer(answered(users), users)


# --- the review time ---
@pytest.mark.parametrize("make_contract", [draft, eligible, answered])
def test_clock__moved_or_stopped_by_hand__refused_at_commit(
    users: Users, make_contract: Any
) -> None:
    contract = make_contract(users)
    for ends_at in (None, contract.review_ends_at + HOUR, contract.review_ends_at - HOUR):
        with violates_constraint("contract_review_clock", at_commit=True):
            update_row(CONTRACT, contract.pk, review_ends_at=ends_at)


def test_clock__running_while_a_question_is_open__refused_at_commit(users: Users) -> None:
    contract = asked(users)
    with violates_constraint("contract_review_clock", at_commit=True):
        update_row(CONTRACT, contract.pk, review_ends_at=contract.expires_at)


def test_question_and_answer__without_the_clock__refused_at_commit(users: Users) -> None:
    contract, waiting = eligible(users), asked(users)
    with violates_constraint("contract_review_clock", at_commit=True):
        forge_question(contract, users)
        forge_entry(contract.pk, event=ASKED)
    with violates_constraint("contract_review_clock", at_commit=True):
        forge_answer(waiting, users)
        forge_entry(waiting.pk, event=CLARIFIED)


def test_clock__across_a_change_of_summer_time__is_that_of_utc(users: Users) -> None:
    contract = asked(users)
    asked_at = ClarificationRequest.objects.get().asked_at
    later = asked_at + timedelta(days=200)
    run_sql("SET LOCAL TimeZone = 'America/New_York'")
    with taken_back(), as_owner(), clock_at(later):
        forge_answer(contract, users)
        ends_at = contract.expires_at + (later - asked_at)
        update_row(CONTRACT, contract.pk, review_ends_at=ends_at, updated_at=later)
        forge_entry(contract.pk, event=CLARIFIED)
        check_deferred_triggers()


# --- the ledger ---
def test_question_and_answer__without_an_entry__refused_at_commit(users: Users) -> None:
    contract, waiting = eligible(users), asked(users)
    with violates_constraint("ledger_covers_clarification", at_commit=True):
        forge_question(contract, users)
        update_row(CONTRACT, contract.pk, review_ends_at=None)
    asked_at = ClarificationRequest.objects.get(contract=waiting).asked_at
    with violates_constraint("ledger_covers_clarification", at_commit=True):
        forge_answer(waiting, users, answered_at=asked_at)
        update_row(CONTRACT, waiting.pk, review_ends_at=waiting.expires_at)


@pytest.mark.parametrize("event", [ASKED, CLARIFIED])
def test_entry__without_its_row__refused_at_commit(users: Users, event: str) -> None:
    contract = answered(users)
    with violates_constraint("ledger_covers_clarification", at_commit=True):
        forge_entry(contract.pk, event=event)


@pytest.mark.parametrize("event", [ASKED, CLARIFIED])
def test_entry__that_carries_a_status__refused(users: Users, event: str) -> None:
    contract = reloaded(eligible(users))
    with violates_constraint("ledger_chain"):
        forge_entry(contract.pk, event=event, from_status="ELIGIBLE", to_status="APPROVED")
