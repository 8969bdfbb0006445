"""Questions, answers, comments and the review's clock, attacked with raw SQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from governance.models import ClarificationRequest, SystemContract
from governance.vocabulary.values import ContractStatus
from tests.support.attacks import (
    check_deferred_laws,
    insert_row,
    refused_by,
    run_sql,
    update_row,
)
from tests.support.cast import Cast
from tests.support.contracts import taken_back
from tests.support.forgery import CONTRACT, forge_entry
from tests.support.roles import as_owner
from tests.support.stories import again, answered, asked, contract_in, draft, eligible, now

QUESTION = "governance_clarificationrequest"
ANSWER = "governance_clarificationanswer"
COMMENT = "governance_contractcomment"
ASKED, CLARIFIED = "contract.review.clarification_requested", "contract.review.clarified"
HOUR = timedelta(hours=1)


def forge_question(contract: SystemContract, cast: Cast, **changes: Any) -> None:
    row = {
        "contract_id": contract.pk,
        "number": 1,
        "question": "Why?",
        "asked_by_id": cast.founder.pk,
        "asked_at": now(),
    }
    insert_row(QUESTION, **(row | changes))


def forge_answer(contract: SystemContract, cast: Cast, **changes: Any) -> None:
    row = {
        "request_id": ClarificationRequest.objects.filter(contract=contract).last().pk,  # type: ignore[union-attr]
        "answer": "Because.",
        "answered_by_id": cast.operator.pk,
        "answered_at": now(),
    }
    insert_row(ANSWER, **(row | changes))


def test_forger__who_writes_everything_as_it_should_be__passes(cast: Cast) -> None:
    """So that what the attacks below leave out or change is what is refused."""
    contract = eligible(cast)
    with as_owner():
        forge_question(contract, cast)
        update_row(CONTRACT, contract.pk, review_ends_at=None)
        forge_entry(contract.pk, event=ASKED)
        check_deferred_laws()
        at: datetime = ClarificationRequest.objects.get().asked_at + HOUR
        forge_answer(contract, cast, answered_at=at)
        update_row(CONTRACT, contract.pk, review_ends_at=contract.expires_at + HOUR)
        forge_entry(contract.pk, event=CLARIFIED)
        check_deferred_laws()


# --- written once ---
@pytest.mark.parametrize(
    ("table", "law", "column"),
    [
        (QUESTION, "clarification_request_append_only", "question"),
        (ANSWER, "clarification_answer_append_only", "answer"),
        (COMMENT, "comment_append_only", "text"),
    ],
)
def test_row__changed_removed_or_truncated__refused(
    cast: Cast, table: str, law: str, column: str
) -> None:
    contract = answered(cast)
    insert_row(COMMENT, contract_id=contract.pk, text="Hm.", by_id=cast.viewer.pk, at=now())
    with refused_by(law):
        run_sql(f"UPDATE {table} SET {column} = 'Other'")
    with refused_by(law):
        run_sql(f"DELETE FROM {table}")
    with refused_by(law):
        run_sql(f"TRUNCATE {table} CASCADE")


def test_text__that_says_nothing__refused(cast: Cast) -> None:
    contract, waiting = eligible(cast), asked(cast)
    with refused_by("clarification_asks_something"):
        forge_question(contract, cast, question="")
    with refused_by("clarification_answers_something"):
        forge_answer(waiting, cast, answer="")
    with refused_by("comment_says_something"):
        insert_row(COMMENT, contract_id=contract.pk, text="", by_id=cast.viewer.pk, at=now())


# --- in turn ---
@pytest.mark.parametrize("status", [s for s in ContractStatus if s.value != "VALIDATED"])
def test_question__about_a_contract_in_another_state__refused(
    cast: Cast, status: ContractStatus
) -> None:
    contract = contract_in(cast, status)
    if status is ContractStatus.ELIGIBLE:
        with taken_back():
            forge_question(contract, cast)
        return
    with refused_by("clarification_in_turn"):
        forge_question(contract, cast)


def test_question__second_while_one_is_open__refused(cast: Cast) -> None:
    contract = asked(cast)
    with refused_by("clarification_in_turn"):
        forge_question(contract, cast, number=2)


@pytest.mark.parametrize("number", [0, 1, 3])
def test_question__with_another_number_than_the_next__refused(cast: Cast, number: int) -> None:
    contract = answered(cast)
    with refused_by("clarification_in_turn"):
        forge_question(contract, cast, number=number)


def test_question__before_the_last_answer_or_after_the_end__refused(cast: Cast) -> None:
    contract = answered(cast)
    last = ClarificationRequest.objects.get().answer.answered_at
    moment = timedelta(microseconds=1)
    for at in (last - moment, contract.review_ends_at + moment):
        with refused_by("clarification_in_turn"):
            forge_question(contract, cast, number=2, asked_at=at)
    for at in (last, contract.review_ends_at):
        with taken_back():
            forge_question(contract, cast, number=2, asked_at=at)


def test_question__by_the_proposer__refused(cast: Cast) -> None:
    with refused_by("clarification_four_eyes"):
        forge_question(eligible(cast), cast, asked_by_id=cast.operator.pk)


def test_answer__by_who_asked_or_before_the_question__refused(cast: Cast) -> None:
    contract = asked(cast)
    with refused_by("clarification_four_eyes"):
        forge_answer(contract, cast, answered_by_id=cast.founder.pk)
    with refused_by("clarification_in_turn"):
        forge_answer(contract, cast, answered_at=now() - HOUR)


def test_answer__second__refused(cast: Cast) -> None:
    with refused_by("governance_clarificationanswer_request_id_key"):
        forge_answer(answered(cast), cast)


# --- the clock ---
@pytest.mark.parametrize("story", [draft, eligible, answered])
def test_clock__moved_or_stopped_by_hand__refused_at_commit(cast: Cast, story: Any) -> None:
    contract = story(cast)
    for ends_at in (None, contract.review_ends_at + HOUR, contract.review_ends_at - HOUR):
        with refused_by("contract_review_clock", at_commit=True):
            update_row(CONTRACT, contract.pk, review_ends_at=ends_at)


def test_clock__running_while_a_question_is_open__refused_at_commit(cast: Cast) -> None:
    contract = asked(cast)
    with refused_by("contract_review_clock", at_commit=True):
        update_row(CONTRACT, contract.pk, review_ends_at=contract.expires_at)


def test_question_and_answer__without_the_clock__refused_at_commit(cast: Cast) -> None:
    contract, waiting = eligible(cast), asked(cast)
    with refused_by("contract_review_clock", at_commit=True):
        forge_question(contract, cast)
        forge_entry(contract.pk, event=ASKED)
    with refused_by("contract_review_clock", at_commit=True):
        forge_answer(waiting, cast)
        forge_entry(waiting.pk, event=CLARIFIED)


def test_clock__across_a_change_of_summer_time__is_that_of_utc(cast: Cast) -> None:
    contract = asked(cast)
    asked_at = ClarificationRequest.objects.get().asked_at
    later = asked_at + timedelta(days=200)
    run_sql("SET LOCAL TimeZone = 'America/New_York'")
    with taken_back(), as_owner():
        forge_answer(contract, cast, answered_at=later)
        ends_at = contract.expires_at + (later - asked_at)
        update_row(CONTRACT, contract.pk, review_ends_at=ends_at)
        forge_entry(contract.pk, event=CLARIFIED)
        check_deferred_laws()


# --- the ledger ---
def test_question_and_answer__untold__refused_at_commit(cast: Cast) -> None:
    contract, waiting = eligible(cast), asked(cast)
    with refused_by("ledger_tells_clarification", at_commit=True):
        forge_question(contract, cast)
        update_row(CONTRACT, contract.pk, review_ends_at=None)
    asked_at = ClarificationRequest.objects.get(contract=waiting).asked_at
    with refused_by("ledger_tells_clarification", at_commit=True):
        forge_answer(waiting, cast, answered_at=asked_at)
        update_row(CONTRACT, waiting.pk, review_ends_at=waiting.expires_at)


@pytest.mark.parametrize("event", [ASKED, CLARIFIED])
def test_entry__without_its_row__refused_at_commit(cast: Cast, event: str) -> None:
    contract = answered(cast)
    with refused_by("ledger_tells_clarification", at_commit=True):
        forge_entry(contract.pk, event=event)


@pytest.mark.parametrize("event", [ASKED, CLARIFIED])
def test_entry__that_tells_a_status__refused(cast: Cast, event: str) -> None:
    contract = again(eligible(cast))
    with refused_by("ledger_chain"):
        forge_entry(contract.pk, event=event, from_status="ELIGIBLE", to_status="APPROVED")
