"""Circuit breakers of workers: admitting runs, recording faults, closing by an operator."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.breaker import BreakerState
from governance.domain.errors import (
    BreakerNotFoundError,
    BreakerNotOpenError,
    InvalidInputError,
    ReasonRequiredError,
    WrongPersonError,
)
from governance.domain.values import JobStatus
from governance.flows.close_breaker import let_handler_run_again
from governance.flows.registry_steps import RegistryHandler
from governance.flows.run_by_worker import run_job_by_worker
from governance.flows.run_job import cancel_job
from governance.models import Account, BreakerEvent, GovernanceJob, HandlerBreaker
from governance.models.fields import new_id
from governance.services.breakers.operations import admit_run, close_breaker, record_run
from governance.services.breakers.queries import open_breakers
from governance.services.registry.operations import register_capabilities
from tests.support.attacks import nothing_written, run_sql
from tests.support.breakers import HANDLER, REASON, breaker_of, closed, faulted, opened
from tests.support.factories import apart, enabling, pending_job, running_job
from tests.support.routing import routes_file
from tests.support.threads import at_once, overtaking
from tests.support.users import Users

CLOSED, CAREFUL, OPEN = BreakerState
OTHER = "http"
WORKERS = 4
RUNS = "procrastinate_jobs WHERE queue_name = 'runs'"


def begin(users: Users, job: GovernanceJob, *handlers: str) -> bool:
    """Start a job as a worker does: admitted and started in one transaction, or neither."""
    with transaction.atomic():
        if not admit_run(handlers=handlers or [HANDLER], job_id=job.pk):
            return False
        GovernanceOrchestrator.start_job(job.pk, executor=users.executor)
    return True


def end(users: Users, job: GovernanceJob) -> None:
    cancel_job(job_id=job.pk, reason="The test is over.", actor=users.operator)


# --- admitting ---
def test_admission__without_a_fault__any_number_of_jobs(users: Users) -> None:
    assert all(begin(users, pending_job(users, **apart())) for _ in range(3))
    assert breaker_of().state == CLOSED
    assert len(breaker_of().jobs_in_flight) == 3


def test_admission__of_no_handler__granted(users: Users) -> None:
    assert admit_run(handlers=[], job_id=new_id())
    assert not HandlerBreaker.objects.exists()


def test_admission__after_one_fault__one_job_at_a_time(users: Users) -> None:
    faulted()
    first, second = pending_job(users), pending_job(users)
    assert begin(users, first)
    assert not begin(users, second)
    assert breaker_of().jobs_in_flight == [first.pk]
    end(users, first)
    assert begin(users, second)
    assert breaker_of().jobs_in_flight == [second.pk]


def test_admission__jobs_of_before_the_fault_still_run__waits_for_them(users: Users) -> None:
    running = [pending_job(users, **apart()) for _ in range(2)]
    assert all(begin(users, job) for job in running)
    faulted()
    waiting = pending_job(users)
    for job in running:
        assert not begin(users, waiting)
        end(users, job)
    assert begin(users, waiting)


def test_admission__the_worker_was_killed__counts_until_its_job_ends(users: Users) -> None:
    faulted()
    lost, next_one = pending_job(users), pending_job(users)
    assert begin(users, lost)
    assert not begin(users, next_one)
    end(users, lost)  # as the sweep of expired leases does
    assert begin(users, next_one)


def test_admission__of_the_same_job_again__does_not_count_itself(users: Users) -> None:
    faulted()
    job = running_job(users).job
    assert admit_run(handlers=[HANDLER], job_id=job.pk)
    assert admit_run(handlers=[HANDLER], job_id=job.pk)
    assert breaker_of().jobs_in_flight == [job.pk]


def test_admission__while_open__none(users: Users) -> None:
    opened()
    job = pending_job(users)
    with nothing_written():
        assert not begin(users, job)


def test_admission__one_of_two_handlers_is_open__none_and_the_other_stays_free(
    users: Users,
) -> None:
    opened(OTHER)
    assert not begin(users, pending_job(users), HANDLER, OTHER)
    assert breaker_of(HANDLER).jobs_in_flight == []
    assert begin(users, pending_job(users), HANDLER)


def test_admission__outside_a_transaction__refused(committed: Users) -> None:
    with pytest.raises(TransactionManagementError):
        admit_run(handlers=[HANDLER], job_id=new_id())


def test_admission__two_workers_at_once__one_begins(committed: Users) -> None:
    faulted()
    jobs = [pending_job(committed, **apart()) for _ in range(2)]
    first, second = overtaking(lambda: begin(committed, jobs[0]), lambda: begin(committed, jobs[1]))
    assert (first, second) == (True, False)
    assert breaker_of().jobs_in_flight == [jobs[0].pk]


def test_admission__the_first_of_a_handler_by_two_workers__makes_one_breaker(
    committed: Users,
) -> None:
    jobs = [pending_job(committed, **apart()) for _ in range(2)]

    def worker(job: GovernanceJob) -> Any:
        def work(wait: Any) -> bool:
            wait()
            return begin(committed, job, HANDLER, OTHER)

        return work

    assert at_once(*map(worker, jobs)) == [True, True]
    assert sorted(breaker_of().jobs_in_flight) == sorted(job.pk for job in jobs)
    assert HandlerBreaker.objects.count() == 2


# --- recording ---
def test_fault__the_first__makes_the_breaker_careful_and_says_why(users: Users) -> None:
    job_id = new_id()
    faulted(job_id=job_id)
    breaker = breaker_of()
    assert (breaker.state, breaker.faults_in_a_row) == (CAREFUL, 1)
    assert (breaker.last_fault, breaker.last_fault_job) == ("KeyError: 'page_size'", job_id)
    assert breaker.last_fault_at is not None
    assert not BreakerEvent.objects.exists()


def test_fault__two_in_a_row__open_the_breaker_for_good(users: Users) -> None:
    faulted()
    job_id = new_id()
    faulted(job_id=job_id)
    assert (breaker_of().state, breaker_of().faults_in_a_row) == (OPEN, 2)
    event = BreakerEvent.objects.get()
    assert (event.breaker, event.state, event.fault_job) == (breaker_of(), OPEN, job_id)
    assert (event.text, event.closed_by) == ("KeyError: 'page_size'", None)
    assert open_breakers() == [breaker_of()]


def test_fault__of_a_job_in_flight_as_the_breaker_opened__opens_it_no_second_time(
    users: Users,
) -> None:
    faulted(times=4)
    assert (breaker_of().state, breaker_of().faults_in_a_row) == (OPEN, 4)
    assert BreakerEvent.objects.count() == 1


def test_success__after_one_fault__closes_the_breaker(users: Users) -> None:
    faulted()
    record_run(handlers=[HANDLER], job_id=new_id())
    assert (breaker_of().state, breaker_of().faults_in_a_row) == (CLOSED, 0)
    faulted()
    assert breaker_of().state == CAREFUL


def test_success__of_a_job_in_flight_as_the_breaker_opened__does_not_close_it(
    users: Users,
) -> None:
    opened()
    with nothing_written():
        record_run(handlers=[HANDLER], job_id=new_id())


def test_success__without_a_fault_before__writes_nothing(users: Users) -> None:
    begin(users, pending_job(users))
    with nothing_written():
        record_run(handlers=[HANDLER], job_id=new_id())
        record_run(handlers=["never used"], job_id=new_id())


def test_fault__of_one_of_two_handlers__is_no_fault_of_the_other(users: Users) -> None:
    faulted(HANDLER)
    record_run(handlers=[HANDLER, OTHER], job_id=new_id(), faulty=OTHER, fault="Timed out.")
    assert (breaker_of(HANDLER).state, breaker_of(OTHER).state) == (CLOSED, CAREFUL)


def test_handler__that_was_not_called__shows_nothing(users: Users) -> None:
    faulted(HANDLER)
    record_run(handlers=[OTHER], job_id=new_id(), faulty=OTHER, fault="Timed out.")
    record_run(handlers=[], job_id=new_id())
    assert (breaker_of(HANDLER).state, breaker_of(OTHER).state) == (CAREFUL, CAREFUL)


def test_fault__described_at_length__is_shortened(users: Users) -> None:
    record_run(handlers=[HANDLER], job_id=new_id(), faulty=HANDLER, fault="x" * 5000)
    assert breaker_of().last_fault == "x" * 999 + "…"


# --- closing ---
def test_closing__by_an_operator__lets_one_job_try(users: Users) -> None:
    opened()
    assert closed(users) == breaker_of()
    assert (breaker_of().state, breaker_of().faults_in_a_row) == (CAREFUL, 2)
    event = BreakerEvent.objects.first()
    assert event is not None
    assert (event.state, event.text, event.closed_by) == (CAREFUL, REASON, users.operator)
    first, second = pending_job(users), pending_job(users)
    assert begin(users, first)
    assert not begin(users, second)


@pytest.mark.parametrize(("times", "state"), [(0, CLOSED), (1, OPEN)])
def test_closed_breaker__after_its_one_job__closes_or_opens_again(
    users: Users, times: int, state: BreakerState
) -> None:
    opened()
    closed(users)
    if times:
        faulted()
    else:
        record_run(handlers=[HANDLER], job_id=new_id())
    assert breaker_of().state == state
    states = [event.state for event in BreakerEvent.objects.order_by("id")]
    assert states == [OPEN, CAREFUL, OPEN][: 2 + times]


def test_closing__again_after_it_opened_again__accepted(users: Users) -> None:
    opened()
    closed(users)
    faulted()
    closed(users)
    assert breaker_of().state == CAREFUL
    assert BreakerEvent.objects.count() == 4


@pytest.mark.parametrize("who", ["founder", "executor", "auditor", "viewer", "outsider"])
def test_closing__by_who_is_no_operator__refused(users: Users, who: str) -> None:
    opened()
    with nothing_written(), pytest.raises(WrongPersonError, match="Operator group"):
        close_breaker(handler=HANDLER, reason=REASON, actor=getattr(users, who))


def test_closing__by_a_superuser_without_the_role__refused(users: Users) -> None:
    opened()
    root = Account.objects.create_superuser("root")
    with nothing_written(), pytest.raises(WrongPersonError):
        close_breaker(handler=HANDLER, reason=REASON, actor=root)


@pytest.mark.parametrize("reason", ["", "   ", "too short.", "  too short.  "])
def test_closing__without_a_reason_of_more_than_10_characters__refused(
    users: Users, reason: str
) -> None:
    opened()
    with nothing_written(), pytest.raises(ReasonRequiredError):
        close_breaker(handler=HANDLER, reason=reason, actor=users.operator)


@pytest.mark.parametrize("reason", [None, "x" * 4001])
def test_closing__for_a_reason_that_is_no_text_or_too_long__refused(
    users: Users, reason: Any
) -> None:
    opened()
    with pytest.raises(InvalidInputError):
        close_breaker(handler=HANDLER, reason=reason, actor=users.operator)


def test_closing__of_a_breaker_that_is_not_open__refused(users: Users) -> None:
    with pytest.raises(BreakerNotFoundError):
        close_breaker(handler=HANDLER, reason=REASON, actor=users.operator)
    faulted()
    with nothing_written(), pytest.raises(BreakerNotOpenError) as refusal:
        close_breaker(handler=HANDLER, reason=REASON, actor=users.operator)
    assert refusal.value.details == {"state": "CAREFUL"}


def test_closing__by_two_operators_at_once__one_is_refused(committed: Users) -> None:
    opened()
    first, second = overtaking(lambda: closed(committed), lambda: closed(committed))
    assert isinstance(first, HandlerBreaker)
    assert isinstance(second, BreakerNotOpenError)
    assert BreakerEvent.objects.count() == 2


def test_closing__while_jobs_wait__enqueues_them_at_once(committed: Users) -> None:
    register_capabilities(documents=[{"name": "Search"}])
    opened()
    with routes_file():
        job = pending_job(committed)
    run_sql(f"DELETE FROM {RUNS}")
    let_handler_run_again(handler=HANDLER, reason=REASON, actor=committed.operator)
    assert breaker_of().state == CAREFUL
    assert run_sql(
        "SELECT args ->> 'job_id' FROM procrastinate_jobs WHERE queue_name = 'runs'"
    ) == [(str(job.pk),)]


def test_closing__that_is_refused__enqueues_nothing(committed: Users) -> None:
    register_capabilities(documents=[{"name": "Search"}])
    with routes_file():
        pending_job(committed)
    run_sql(f"DELETE FROM {RUNS}")
    with pytest.raises(BreakerNotFoundError):
        let_handler_run_again(handler=HANDLER, reason=REASON, actor=committed.operator)
    assert run_sql(f"SELECT FROM {RUNS}") == []


# --- the whole, with workers ---
def run_by_four_workers(jobs: list[GovernanceJob]) -> None:
    """Let four threads run the jobs, each thread every fourth one, as far as breakers allow it."""

    def worker(share: list[GovernanceJob]) -> Any:
        def work(wait: Any) -> None:
            wait()
            for job in share:
                run_job_by_worker(job_id=job.pk)

        return work

    at_once(*(worker(jobs[number::WORKERS]) for number in range(WORKERS)))


def test_handler__with_a_bug_and_20_jobs_waiting__loses_two_and_those_in_flight(
    committed: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"Feature {number + 1}" for number in range(20)]
    register_capabilities(documents=[{"name": name} for name in names])

    def broken(self: Any, step: Any) -> None:
        raise KeyError("page_size")

    def count(jobs: list[GovernanceJob], status: JobStatus) -> int:
        ids = [job.pk for job in jobs]
        return GovernanceJob.objects.filter(pk__in=ids, status=status).count()

    with routes_file():
        jobs = [pending_job(committed, **enabling(name)) for name in names]
        with monkeypatch.context() as bug:
            bug.setattr(RegistryHandler, "run_step", broken)
            run_by_four_workers(jobs)
        lost = count(jobs, JobStatus.FAILED)
        assert 2 <= lost <= 2 + (WORKERS - 1)
        assert count(jobs, JobStatus.PENDING) == 20 - lost
        assert breaker_of().state == OPEN

        closed(committed)
        run_by_four_workers(jobs)  # one job tries while the others wait
        run_by_four_workers(jobs)
    assert count(jobs, JobStatus.COMPLETED) == 20 - lost
    assert breaker_of().state == CLOSED
