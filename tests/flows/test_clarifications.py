"""Tests of clarifications and comments: an open question pauses the review until it is answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from governance.authorities.contract.due import contracts_past_review
from governance.authorities.contract.operations import expire_contract
from governance.authorities.contract.queries import open_clarification_of
from governance.domain.errors import (
    ClarificationConflictError,
    ContractExpiredError,
    FourEyesError,
    GovernanceError,
    InvalidInputError,
    NotFoundError,
    WrongPersonError,
    WrongStateError,
)
from governance.domain.review_clock import review_end
from governance.domain.roles import Role
from governance.domain.values import ActivationWindow, ContractStatus
from governance.flows.review_contract import (
    answer_clarification,
    approve_contract,
    comment_on_contract,
    reject_contract,
    request_clarification,
)
from governance.flows.sweep import expire_contracts
from governance.models import ContractComment, SystemContract
from governance.record.ledger.queries import entries_of
from governance.services.access.accounts import assign_role
from tests.support.attacks import check_deferred_triggers, nothing_written
from tests.support.clock import as_of
from tests.support.contracts import refused
from tests.support.factories import answered, approved, asked, contract_in, eligible, now, reloaded
from tests.support.signing import as_seen
from tests.support.users import Users

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


def ask(contract: SystemContract, users: Users, at: datetime, question: str = "Why now?") -> None:
    as_of(
        at, request_clarification, contract_id=contract.pk, founder=users.founder, question=question
    )


def answer(contract: SystemContract, users: Users, at: datetime) -> None:
    as_of(
        at,
        answer_clarification,
        contract_id=contract.pk,
        person=users.operator,
        answer="The sale begins.",
    )


def expire(contract: SystemContract, users: Users, at: datetime) -> SystemContract:
    return as_of(at, expire_contract, contract_id=contract.pk, actor=users.operator)


# --- review time ---
def test_review_end__of_no_questions_closed_ones_and_an_open_one() -> None:
    noon = datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert review_end(noon, []) == noon
    pauses = [(noon - 3 * DAY, noon - 2 * DAY), (noon - DAY, noon - DAY + MOMENT)]
    assert review_end(noon, pauses) == noon + DAY + MOMENT
    assert review_end(noon, [*pauses, (noon, None)]) is None


def test_question__pauses_the_review_and_is_recorded(users: Users) -> None:
    contract = eligible(users)
    ask(contract, users, now(), "  Why now?\n")
    waiting = reloaded(contract)
    assert (waiting.status, waiting.review_ends_at) == (ContractStatus.ELIGIBLE, None)
    assert waiting.content_digest == contract.content_digest
    question = open_clarification_of(waiting)
    assert question is not None
    assert (question.number, question.question, question.asked_by) == (1, "Why now?", users.founder)
    entry = list(entries_of(contract.pk))[-1]
    assert (entry.event, entry.reason, entry.to_status) == (
        "contract.review.clarification_requested",
        "Why now?",
        "",
    )
    check_deferred_triggers()


def test_answer__restarts_the_clock_with_the_time_it_had_left(users: Users) -> None:
    at = now()
    contract = eligible(users, at=at)
    ask(contract, users, at + DAY)
    answer(contract, users, at + 11 * DAY)
    ask(contract, users, at + 12 * DAY)
    assert reloaded(contract).review_ends_at is None
    answer(contract, users, at + 12 * DAY + MOMENT)
    running = reloaded(contract)
    assert running.review_ends_at == contract.expires_at + 10 * DAY + MOMENT
    assert running.expires_at == contract.expires_at
    assert open_clarification_of(running) is None
    events = [entry.event for entry in entries_of(contract.pk)][-4:]
    assert events == ["contract.review.clarification_requested", "contract.review.clarified"] * 2
    check_deferred_triggers()


def test_open_question__no_time_expires_the_contract(users: Users) -> None:
    contract = asked(users)
    late = now() + 1000 * DAY
    assert list(contracts_past_review(late)) == []
    assert list(as_of(late, expire_contracts, actor=users.operator)) == []
    with refused(WrongStateError, "review_paused"):
        expire(contract, users, late)


def test_answered_question__contract_expires_that_much_later(users: Users) -> None:
    contract = answered(users)
    end = contract.expires_at + timedelta(hours=1)
    assert list(contracts_past_review(end)) == []
    with refused(WrongStateError, "review_open"):
        expire(contract, users, end)
    assert [found.pk for found in contracts_past_review(end + MOMENT)] == [contract.pk]
    [outcome] = as_of(end + MOMENT, expire_contracts, actor=users.operator)
    assert outcome.status == ContractStatus.EXPIRED


@pytest.mark.parametrize("make_contract", [asked, answered])
def test_founder__decides_with_the_longer_clock_or_an_open_question(
    users: Users, make_contract: type
) -> None:
    contract = make_contract(users)
    at = contract.expires_at + timedelta(minutes=59)
    decided = as_of(
        at,
        approve_contract,
        contract_id=contract.pk,
        founder=users.second_founder,
        window=ActivationWindow(at, at + DAY),
        **as_seen(contract),
    )
    assert decided.status == ContractStatus.APPROVED
    check_deferred_triggers()


def test_approval__past_the_longer_clock__refused(users: Users) -> None:
    contract = answered(users)
    at = contract.review_ends_at + MOMENT
    with refused(ContractExpiredError, "contract_expired"):
        as_of(
            at,
            approve_contract,
            contract_id=contract.pk,
            founder=users.founder,
            window=ActivationWindow(at, at + DAY),
            **as_seen(contract),
        )


def test_clocks_of_two_machines_differ__pauses_stay_apart(users: Users) -> None:
    at = now()
    contract = eligible(users, at=at)
    ask(contract, users, at + DAY)
    answer(contract, users, at)  # earlier than the question by the second machine's clock
    assert reloaded(contract).review_ends_at == contract.expires_at
    ask(contract, users, at - DAY)
    answer(contract, users, at + 2 * DAY)
    assert reloaded(contract).review_ends_at == contract.expires_at + DAY
    check_deferred_triggers()


# --- permissions and states ---
def test_question__while_another_is_open__refused(users: Users) -> None:
    contract = asked(users)
    with refused(ClarificationConflictError, "clarification_open"):
        ask(contract, users, now())


def test_answer__to_no_question__refused(users: Users) -> None:
    for contract in (eligible(users), answered(users)):
        with refused(ClarificationConflictError, "no_open_clarification"):
            answer(contract, users, now())


def test_question__past_the_review_time__refused(users: Users) -> None:
    contract = eligible(users)
    with refused(ContractExpiredError, "contract_expired"):
        ask(contract, users, contract.expires_at + MOMENT)


@pytest.mark.parametrize(
    "status", [s for s in ContractStatus if s not in ("ELIGIBLE", "VALIDATED")]
)
def test_question__about_a_contract_not_in_review__refused(
    users: Users, status: ContractStatus
) -> None:
    contract = contract_in(users, status)
    with nothing_written(), pytest.raises(WrongStateError):
        ask(contract, users, now())
    with nothing_written(), pytest.raises(WrongStateError):
        answer(contract, users, now())


def test_answer__after_the_decision__refused(users: Users) -> None:
    contract = asked(users)
    reject_contract(contract_id=contract.pk, founder=users.founder, reason="Not before the sale.")
    with nothing_written(), pytest.raises(WrongStateError):
        answer(contract, users, now())


@pytest.mark.parametrize("who", ["operator", "executor", "auditor", "viewer", "outsider"])
def test_question__by_founders_only(users: Users, who: str) -> None:
    contract = eligible(users)
    with refused(WrongPersonError, "not_permitted"):
        request_clarification(contract_id=contract.pk, founder=getattr(users, who), question="Why?")


def test_question__by_the_proposer_superuser_or_not__refused(users: Users) -> None:
    users.operator.is_superuser = True
    users.operator.save()
    assign_role(users.operator, Role.FOUNDER)
    contract = eligible(users)
    with refused(FourEyesError, "four_eyes"):
        request_clarification(contract_id=contract.pk, founder=users.operator, question="Why?")


@pytest.mark.parametrize("who", ["second_founder", "executor", "auditor", "viewer", "outsider"])
def test_answer__by_proposer_and_operators_only(users: Users, who: str) -> None:
    contract = asked(users)
    with refused(WrongPersonError, "not_permitted"):
        answer_clarification(contract_id=contract.pk, person=getattr(users, who), answer="Because.")


def test_answer__by_the_proposer_who_is_no_operator_any_more__passes(users: Users) -> None:
    contract = asked(users)
    users.operator.groups.clear()
    answer(contract, users, now())
    assert reloaded(contract).review_ends_at is not None


def test_answer__by_who_asked__refused(users: Users) -> None:
    users.founder.is_superuser = True
    users.founder.save()
    contract = asked(users)
    with refused(FourEyesError, "four_eyes"):
        answer_clarification(contract_id=contract.pk, person=users.founder, answer="Never mind.")


@pytest.mark.parametrize("text", ["", " \n ", "x" * 4001, "nul\0", None])
def test_text__empty_long_or_unfit__refused(users: Users, text: str) -> None:
    contract, waiting, at = eligible(users), asked(users), now()
    tries = [
        lambda: ask(contract, users, at, text),
        lambda: as_of(
            at, answer_clarification, contract_id=waiting.pk, person=users.operator, answer=text
        ),
        lambda: as_of(
            at, comment_on_contract, contract_id=contract.pk, person=users.viewer, text=text
        ),
    ]
    for attempt in tries:
        with nothing_written(), pytest.raises(InvalidInputError):
            attempt()


# --- comments ---
def test_comment__on_contracts_in_any_state__is_kept_and_moves_nothing(users: Users) -> None:
    for status in ContractStatus:
        if status is ContractStatus.VALIDATED:
            continue
        contract = contract_in(users, status)
        entries = entries_of(contract.pk).count()
        comment_on_contract(contract_id=contract.pk, person=users.viewer, text=" Hm. ")
        comment = ContractComment.objects.get(contract=contract)
        assert (comment.text, comment.by) == ("Hm.", users.viewer)
        assert reloaded(contract).status == status
        assert entries_of(contract.pk).count() == entries
    check_deferred_triggers()


def test_comment__by_who_may_not_see_or_is_no_staff__refused(users: Users) -> None:
    contract = approved(users)
    users.viewer.is_staff = False
    for person in (users.outsider, users.viewer):
        with refused(WrongPersonError, "not_permitted"):
            comment_on_contract(contract_id=contract.pk, person=person, text="Hm.")


def test_anything__about_no_contract__not_found(users: Users) -> None:
    nothing = SystemContract()
    for attempt in (
        lambda: ask(nothing, users, now()),
        lambda: answer(nothing, users, now()),
        lambda: comment_on_contract(contract_id=nothing.pk, person=users.viewer, text="Hm."),
    ):
        with pytest.raises(NotFoundError) as caught:
            attempt()
        assert isinstance(caught.value, GovernanceError)
