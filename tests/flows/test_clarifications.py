"""A founder asks before deciding: the clock stands until somebody answers. Anybody may comment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from governance.contract import clarifications
from governance.contract.operations import expire_contract
from governance.contract.queries import contracts_past_review, open_clarification_of
from governance.flows.review_contract import (
    answer_clarification,
    approve_contract,
    comment_on_contract,
    reject_contract,
    request_clarification,
)
from governance.flows.sweep import expire_contracts
from governance.ledger.queries import entries_of
from governance.models import ContractComment, SystemContract
from governance.vocabulary.errors import (
    ClarificationConflictError,
    ContractExpiredError,
    FourEyesError,
    GovernanceError,
    InvalidInputError,
    NotFoundError,
    WrongPersonError,
    WrongStateError,
)
from governance.vocabulary.review_clock import review_end
from governance.vocabulary.values import ActivationWindow, ContractStatus
from tests.support.attacks import check_deferred_laws, nothing_written
from tests.support.cast import Cast
from tests.support.contracts import refused
from tests.support.signing import as_seen
from tests.support.stories import again, answered, approved, asked, contract_in, eligible, now

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


def ask(contract: SystemContract, cast: Cast, at: datetime, question: str = "Why now?") -> None:
    request_clarification(contract_id=contract.pk, founder=cast.founder, question=question, at=at)


def answer(contract: SystemContract, cast: Cast, at: datetime) -> None:
    answer_clarification(
        contract_id=contract.pk, person=cast.operator, answer="The sale begins.", at=at
    )


def expire(contract: SystemContract, cast: Cast, at: datetime) -> SystemContract:
    return expire_contract(contract_id=contract.pk, actor=cast.operator, at=at)


# --- the clock ---
def test_review_end__of_no_questions_closed_ones_and_an_open_one() -> None:
    noon = datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert review_end(noon, []) == noon
    pauses = [(noon - 3 * DAY, noon - 2 * DAY), (noon - DAY, noon - DAY + MOMENT)]
    assert review_end(noon, pauses) == noon + DAY + MOMENT
    assert review_end(noon, [*pauses, (noon, None)]) is None


def test_question__stops_the_clock_and_is_told(cast: Cast) -> None:
    contract = eligible(cast)
    ask(contract, cast, now(), "  Why now?\n")
    waiting = again(contract)
    assert (waiting.status, waiting.review_ends_at) == (ContractStatus.ELIGIBLE, None)
    assert waiting.content_digest == contract.content_digest
    question = open_clarification_of(waiting)
    assert question is not None
    assert (question.number, question.question, question.asked_by) == (1, "Why now?", cast.founder)
    told = list(entries_of(contract.pk))[-1]
    assert (told.event, told.reason, told.to_status) == (
        "contract.review.clarification_requested",
        "Why now?",
        "",
    )
    check_deferred_laws()


def test_answer__restarts_the_clock_with_the_time_it_had_left(cast: Cast) -> None:
    at = now()
    contract = eligible(cast, at=at)
    ask(contract, cast, at + DAY)
    answer(contract, cast, at + 11 * DAY)
    ask(contract, cast, at + 12 * DAY)
    assert again(contract).review_ends_at is None
    answer(contract, cast, at + 12 * DAY + MOMENT)
    running = again(contract)
    assert running.review_ends_at == contract.expires_at + 10 * DAY + MOMENT
    assert running.expires_at == contract.expires_at
    assert open_clarification_of(running) is None
    told = [entry.event for entry in entries_of(contract.pk)][-4:]
    assert told == ["contract.review.clarification_requested", "contract.review.clarified"] * 2
    check_deferred_laws()


def test_open_question__no_time_expires_the_contract(cast: Cast) -> None:
    contract = asked(cast)
    late = now() + 1000 * DAY
    assert list(contracts_past_review(late)) == []
    assert list(expire_contracts(actor=cast.operator, at=late)) == []
    with refused(WrongStateError, "review_paused"):
        expire(contract, cast, late)


def test_answered_question__contract_expires_that_much_later(cast: Cast) -> None:
    contract = answered(cast)
    end = contract.expires_at + timedelta(hours=1)
    assert list(contracts_past_review(end)) == []
    with refused(WrongStateError, "review_open"):
        expire(contract, cast, end)
    assert [found.pk for found in contracts_past_review(end + MOMENT)] == [contract.pk]
    [outcome] = expire_contracts(actor=cast.operator, at=end + MOMENT)
    assert outcome.status == ContractStatus.EXPIRED


@pytest.mark.parametrize("story", [asked, answered])
def test_founder__decides_with_the_longer_clock_or_an_open_question(
    cast: Cast, story: type
) -> None:
    contract = story(cast)
    at = contract.expires_at + timedelta(minutes=59)
    decided = approve_contract(
        contract_id=contract.pk,
        founder=cast.second_founder,
        window=ActivationWindow(at, at + DAY),
        **as_seen(contract),
        at=at,
    )
    assert decided.status == ContractStatus.APPROVED
    check_deferred_laws()


def test_approval__past_the_longer_clock__refused(cast: Cast) -> None:
    contract = answered(cast)
    at = contract.review_ends_at + MOMENT
    with refused(ContractExpiredError, "contract_expired"):
        approve_contract(
            contract_id=contract.pk,
            founder=cast.founder,
            window=ActivationWindow(at, at + DAY),
            **as_seen(contract),
            at=at,
        )


def test_clocks_of_two_machines_differ__pauses_stay_apart(cast: Cast) -> None:
    at = now()
    contract = eligible(cast, at=at)
    ask(contract, cast, at + DAY)
    answer(contract, cast, at)  # before it was asked, says that clock
    assert again(contract).review_ends_at == contract.expires_at
    ask(contract, cast, at - DAY)
    answer(contract, cast, at + 2 * DAY)
    assert again(contract).review_ends_at == contract.expires_at + DAY
    check_deferred_laws()


# --- who, and when ---
def test_question__while_another_is_open__refused(cast: Cast) -> None:
    contract = asked(cast)
    with refused(ClarificationConflictError, "clarification_open"):
        ask(contract, cast, now())


def test_answer__to_no_question__refused(cast: Cast) -> None:
    for contract in (eligible(cast), answered(cast)):
        with refused(ClarificationConflictError, "no_open_clarification"):
            answer(contract, cast, now())


def test_question__past_the_review_time__refused(cast: Cast) -> None:
    contract = eligible(cast)
    with refused(ContractExpiredError, "contract_expired"):
        ask(contract, cast, contract.expires_at + MOMENT)


@pytest.mark.parametrize(
    "status", [s for s in ContractStatus if s not in ("ELIGIBLE", "VALIDATED")]
)
def test_question__about_a_contract_not_in_review__refused(
    cast: Cast, status: ContractStatus
) -> None:
    contract = contract_in(cast, status)
    with nothing_written(), pytest.raises(WrongStateError):
        ask(contract, cast, now())
    with nothing_written(), pytest.raises(WrongStateError):
        answer(contract, cast, now())


def test_answer__after_the_decision__refused(cast: Cast) -> None:
    contract = asked(cast)
    reject_contract(
        contract_id=contract.pk, founder=cast.founder, reason="Not before the sale.", at=now()
    )
    with nothing_written(), pytest.raises(WrongStateError):
        answer(contract, cast, now())


@pytest.mark.parametrize("who", ["operator", "executor", "auditor", "viewer", "outsider"])
def test_question__by_nobody_but_a_founder(cast: Cast, who: str) -> None:
    contract = eligible(cast)
    with refused(WrongPersonError, "not_permitted"):
        request_clarification(
            contract_id=contract.pk, founder=getattr(cast, who), question="Why?", at=now()
        )


def test_question__by_the_proposer_superuser_or_not__refused(cast: Cast) -> None:
    cast.operator.is_superuser = True
    cast.operator.save()
    contract = eligible(cast)
    with refused(FourEyesError, "four_eyes"):
        request_clarification(
            contract_id=contract.pk, founder=cast.operator, question="Why?", at=now()
        )


@pytest.mark.parametrize("who", ["second_founder", "executor", "auditor", "viewer", "outsider"])
def test_answer__by_nobody_but_proposer_and_operators(cast: Cast, who: str) -> None:
    contract = asked(cast)
    with refused(WrongPersonError, "not_permitted"):
        answer_clarification(
            contract_id=contract.pk, person=getattr(cast, who), answer="Because.", at=now()
        )


def test_answer__by_the_proposer_who_is_no_operator_any_more__passes(cast: Cast) -> None:
    contract = asked(cast)
    cast.operator.groups.clear()
    answer(contract, cast, now())
    assert again(contract).review_ends_at is not None


def test_answer__by_who_asked__refused(cast: Cast) -> None:
    cast.founder.is_superuser = True
    cast.founder.save()
    contract = asked(cast)
    with refused(FourEyesError, "four_eyes"):
        answer_clarification(
            contract_id=contract.pk, person=cast.founder, answer="Never mind.", at=now()
        )


@pytest.mark.parametrize("text", ["", " \n ", "x" * 4001, "nul\0", None])
def test_text__empty_long_or_unfit__refused(cast: Cast, text: str) -> None:
    contract, waiting, at = eligible(cast), asked(cast), now()
    tries = [
        lambda: ask(contract, cast, at, text),
        lambda: answer_clarification(
            contract_id=waiting.pk, person=cast.operator, answer=text, at=at
        ),
        lambda: comment_on_contract(contract_id=contract.pk, person=cast.viewer, text=text, at=at),
    ]
    for attempt in tries:
        with nothing_written(), pytest.raises(InvalidInputError):
            attempt()


# --- comments ---
def test_comment__on_contracts_in_any_state__is_kept_and_moves_nothing(cast: Cast) -> None:
    for status in ContractStatus:
        if status is ContractStatus.VALIDATED:
            continue
        contract = contract_in(cast, status)
        entries = entries_of(contract.pk).count()
        comment_on_contract(contract_id=contract.pk, person=cast.viewer, text=" Hm. ", at=now())
        comment = ContractComment.objects.get(contract=contract)
        assert (comment.text, comment.by) == ("Hm.", cast.viewer)
        assert again(contract).status == status
        assert entries_of(contract.pk).count() == entries
    check_deferred_laws()


def test_comment__by_who_may_not_see_or_is_no_staff__refused(cast: Cast) -> None:
    contract = approved(cast)
    cast.viewer.is_staff = False
    for person in (cast.outsider, cast.viewer):
        with refused(WrongPersonError, "not_permitted"):
            comment_on_contract(contract_id=contract.pk, person=person, text="Hm.", at=now())


def test_anything__about_no_contract__not_found(cast: Cast) -> None:
    nothing = SystemContract()
    for attempt in (
        lambda: ask(nothing, cast, now()),
        lambda: answer(nothing, cast, now()),
        lambda: comment_on_contract(
            contract_id=nothing.pk, person=cast.viewer, text="Hm.", at=now()
        ),
    ):
        with pytest.raises(NotFoundError) as caught:
            attempt()
        assert isinstance(caught.value, GovernanceError)


def test_question_and_answer__put_to_the_contracts_own_operation_after_a_decision__refused(
    cast: Cast,
) -> None:
    contract = approved(cast)
    with refused(WrongStateError, "not_eligible"):
        clarifications.request_clarification(
            contract_id=contract.pk, founder=cast.second_founder, question="Why?", at=now()
        )
    with refused(WrongStateError, "not_eligible"):
        clarifications.answer_clarification(
            contract_id=contract.pk, person=cast.operator, answer="So.", at=now()
        )
