"""Notices: what each flow writes to whom, in the causing transaction, and who marks them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.errors import ClarificationConflictError, NotOwnNoticeError
from governance.domain.values import MAX_NOTICE_LENGTH, StepStatus
from governance.flows.activate_contract import activate_contract
from governance.flows.expire_review import expire_review
from governance.flows.notify import notify_of_open_breaker
from governance.flows.record_fault import record_fault
from governance.flows.review_contract import answer_clarification, request_clarification
from governance.flows.sweep import expire_contracts, fail_timed_out_jobs
from governance.models import HandlerBreaker, Notice
from governance.models.fields import new_id
from governance.services.notices.operations import mark_read, one_line
from governance.services.notices.queries import newest_notices, unread_count
from tests.support.breakers import breaker_of
from tests.support.clock import as_of
from tests.support.factories import (
    Running,
    approved,
    asked,
    eligible,
    failed_job,
    finished_job,
    now,
    pending_job,
    reloaded,
    running_job,
    signed,
)
from tests.support.users import Users

LONG_AGO = timedelta(days=30)


def notices(kind: str | None = None) -> set[tuple[str, str]]:
    """Return who got a notice with which text."""
    found = Notice.objects.filter(kind=kind) if kind else Notice.objects.all()
    pairs = [(notice.account.username, notice.text) for notice in found]
    assert len(pairs) == len(set(pairs)), "somebody got the same notice twice"
    return set(pairs)


# --- windows and breakers ---
def test_window__passed_unused__notifies_proposer_and_approver(users: Users) -> None:
    contract = approved(users, at=now() - LONG_AGO)
    list(expire_contracts(actor=users.operator))
    text = "The activation window is over, and nobody activated the contract."
    assert notices("window_passed") == {("operator", text), ("founder", text)}
    assert {notice.contract_id for notice in Notice.objects.all()} == {contract.pk}


def test_breaker__opened_by_a_second_fault__notifies_the_operators_once(users: Users) -> None:
    job = pending_job(users)
    for _ in range(3):
        record_fault(
            handlers={"http"},
            faulty="http",
            fault="Timeout.",
            job_id=job.pk,
            contract_id=job.contract_id,
        )
    assert breaker_of("http").state == "OPEN"
    [(name, text)] = notices("breaker_opened")
    assert name == "operator"
    assert text == (
        "The jobs of the handler http wait until an operator closes its circuit breaker. Its last "
        "fault: Timeout."
    )


def test_breaker__without_a_fault__has_no_notice() -> None:
    with pytest.raises(ValueError, match="had no fault"):
        notify_of_open_breaker(HandlerBreaker(handler="http"), contract_id=new_id())


# --- failed and lost jobs ---
def test_failed_job__notifies_proposer_and_approver(users: Users) -> None:
    job = failed_job(users)
    text = "Step 2 of 3 failed."
    assert notices("job_failed") == {("operator", text), ("founder", text)}
    assert {notice.contract_id for notice in Notice.objects.all()} == {job.contract_id}
    assert {notice.created_at for notice in Notice.objects.all()} == {job.ended_at}


def test_failed_job__notifies_every_founder_whose_signature_counted(
    users: Users, settings: Any
) -> None:
    settings.GOVSITE = settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}
    contract = signed(users)
    signed(users, reloaded(contract), founder=users.second_founder)
    job = activate_contract(contract_id=contract.pk, actor=users.operator)
    running = Running(*GovernanceOrchestrator.start_job(job.pk, executor=users.executor), users)
    running.record(running.report(0, StepStatus.FAILED))
    running.complete()
    notified = {name for name, _ in notices("job_failed")}
    assert notified == {"operator", "founder", "second-founder"}


@pytest.mark.parametrize(
    ("reported", "last", "text"),
    [
        (
            1,
            None,
            "The executor stopped reporting at step 2 of 3; whether that step was carried out is "
            "unknown.",
        ),
        (1, StepStatus.FAILED, "Step 2 of 3 failed, and the executor did not end the job in time."),
        (3, None, "Every step was reported, but the executor did not end the job in time."),
    ],
    ids=["in a step", "after a failure", "at the end"],
)
def test_lost_job__notifies_what_is_known(
    users: Users, reported: int, last: StepStatus | None, text: str
) -> None:
    at = now() - timedelta(hours=3)
    running = running_job(users, at=at)
    for step in range(reported):
        running.record(running.report(step), at=at)
    if last:
        running.record(running.report(reported, last), at=at)
    [outcome] = fail_timed_out_jobs(actor=users.executor)
    assert outcome.refusal is None
    assert notices() == {("operator", text), ("founder", text)}
    assert set(Notice.objects.values_list("kind", flat=True)) == {"executor_lost"}


def test_jobs__that_complete_or_are_cancelled__notify_nobody(users: Users) -> None:
    finished_job(users)
    running_job(users).cancel()
    pending_job(users)
    assert notices() == set()


def test_completed_job__is_ended_by_as_few_statements_as_before(committed: Users) -> None:
    """Only a job that fails pays for its notice: a transaction of two statements."""
    counts = []
    for failing in (False, True):
        running = running_job(committed)
        running.complete_steps(1 if failing else None)
        if failing:
            running.record(running.report(1, StepStatus.FAILED))
        with CaptureQueriesContext(connection) as asked_for:
            running.complete()
        counts.append([one["sql"] for one in asked_for])
    completed, failed = counts
    assert not [sql for sql in completed if sql in ("BEGIN", "COMMIT") or "notify" in sql]
    assert len([sql for sql in failed if "governance_notify" in sql]) == 1
    assert len(failed) == len(completed) + 3  # BEGIN, the notices, COMMIT


# --- questions, answers, expiry ---
def test_question_and_answer__notify_the_one_who_waits_for_them(users: Users) -> None:
    contract = asked(users)
    assert notices() == {("operator", "founder asks: Why now?")}
    answer_clarification(contract_id=contract.pk, person=users.operator, answer="It is\n\nurgent.")
    assert notices("question_answered") == {("founder", "operator answered: It is urgent.")}


def test_question__that_is_refused__notifies_nobody_anything_more(users: Users) -> None:
    contract = asked(users)
    before = notices()
    with pytest.raises(ClarificationConflictError):
        request_clarification(
            contract_id=contract.pk, founder=users.second_founder, question="Well?"
        )
    assert notices() == before


def test_notice__that_cannot_be_written__undoes_what_caused_it(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = eligible(users)

    def fails(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("governance.flows.review_contract.notify_of_question", fails)
    with pytest.raises(RuntimeError):
        request_clarification(contract_id=contract.pk, founder=users.founder, question="Why?")
    assert reloaded(contract).review_ends_at is not None
    assert not contract.clarifications.exists()


def test_expiry__notifies_the_proposer(users: Users) -> None:
    contract = eligible(users, at=now() - LONG_AGO)
    outcomes = list(expire_contracts(actor=users.executor))
    assert [outcome.status for outcome in outcomes] == ["EXPIRED"]
    text = "The time for review is over, and no founder decided."
    assert notices() == {("operator", text)}
    assert Notice.objects.get().contract_id == contract.pk


def test_expiry__called_for_one_contract__returns_it(users: Users) -> None:
    contract = eligible(users, at=now() - LONG_AGO)
    assert expire_review(contract_id=contract.pk, actor=users.operator).status == "EXPIRED"


# --- marking and reading ---
def test_mark_read__own_notices__once(users: Users) -> None:
    first, second = asked(users), asked(users)
    ids = [notice.pk for notice in Notice.objects.all()]
    assert unread_count(users.operator) == 2
    assert mark_read(notice_ids=ids[:1], person=users.operator) == 1
    read_at = Notice.objects.get(pk=ids[0]).read_at
    assert read_at is not None
    assert mark_read(notice_ids=[*ids, ids[0]], person=users.operator) == 1
    assert Notice.objects.get(pk=ids[0]).read_at == read_at
    assert unread_count(users.operator) == 0
    assert {first.pk, second.pk} == {one.contract_id for one in Notice.objects.all()}


def test_mark_read__of_a_notice_from_the_future_of_its_chain__not_before_it_was_written(
    users: Users,
) -> None:
    as_of(now() + timedelta(seconds=20), asked, users)
    notice = Notice.objects.get()
    mark_read(notice_ids=[notice.pk], person=users.operator)
    assert reloaded(notice).read_at == notice.created_at


def test_mark_read__anothers_or_none__refused_and_nothing_marked(users: Users) -> None:
    contract = asked(users)
    answer_clarification(contract_id=contract.pk, person=users.operator, answer="So.")
    ids = {notice.account.username: notice.pk for notice in Notice.objects.all()}
    for wanted in ([ids["founder"]], [*ids.values()], [ids["operator"], 10**12]):
        with pytest.raises(NotOwnNoticeError):
            mark_read(notice_ids=wanted, person=users.operator)
    assert not Notice.objects.exclude(read_at=None).exists()


def test_newest_notices__are_ones_own__newest_first(users: Users) -> None:
    contracts = [asked(users) for _ in range(3)]
    answer_clarification(contract_id=contracts[0].pk, person=users.operator, answer="So.")
    shown = newest_notices(users.operator, most=2)
    assert [one.contract_id for one in shown] == [contracts[2].pk, contracts[1].pk]
    mark_read(notice_ids=[shown[0].pk], person=users.operator)
    unread = newest_notices(users.operator, most=5, unread_only=True)
    assert [one.contract_id for one in unread] == [contracts[1].pk, contracts[0].pk]


def test_text__that_is_long__is_cut() -> None:
    assert one_line("a\n b\t c") == "a b c"
    assert one_line("x" * MAX_NOTICE_LENGTH) == "x" * MAX_NOTICE_LENGTH
    cut = one_line("x" * (MAX_NOTICE_LENGTH + 1))
    assert len(cut) == MAX_NOTICE_LENGTH
    assert cut.endswith("x…")
