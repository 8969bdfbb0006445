"""The circuit breaker of executors over HTTP: a bug costs few contracts, and the others wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from governance.client import Executor, ExecutorBreaker, JobOutcome, Step, StepOutcome, StepRefused
from governance.client import executor as executor_module
from governance.domain.breaker import BreakerState
from governance.domain.values import AuditVerdict, ContractStatus, HealthDecision, JobStatus
from governance.flows.activate_contract import activate_contract
from governance.flows.propose_contract import propose_again, record_review_verdicts
from governance.models import GovernanceJob, SystemContract
from tests.client.conftest import Site
from tests.support.factories import MAY, VALIDATOR_VERDICT, enabling, pending_job, reloaded, signed
from tests.support.platform import signal
from tests.support.users import Users
from tests.support.verdicts import judge

CLOSED, CAREFUL, OPEN = BreakerState
PARALLEL = 4


class CountingHandler:
    """A handler that counts its steps, and the most that ran at once since the last reset."""

    step_types = ("capability_enable",)

    def __init__(self, does: Callable[[int], Any] = lambda number: None) -> None:
        self.does = does
        self.steps: list[Step] = []
        self.most_at_once = self._running = 0
        self._lock = threading.Lock()

    def run_step(self, step: Step) -> StepOutcome:
        with self._lock:
            self.steps.append(step)
            number = len(self.steps)
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
        try:
            self.does(number)
        finally:
            with self._lock:
                self._running -= 1
        return StepOutcome(did="enabled")


def crash(number: int) -> None:
    raise KeyError("page_size")


def refuse(number: int) -> None:
    raise StepRefused("The flag is locked.")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_module, "CAREFUL_RETRY_SECONDS", 0.02)


def jobs_of_their_own(users: Users, number: int) -> list[GovernanceJob]:
    """Return PENDING jobs, each on a capability of its own, so that all could run at once."""
    return [pending_job(users, **enabling(f"Feature {index + 1}")) for index in range(number)]


def run_all(site: Site, handler: CountingHandler, *, parallel: int = PARALLEL) -> list[JobOutcome]:
    """Run what is PENDING with several executors in threads, until nothing is left to do."""
    breaker, ended = ExecutorBreaker(), []

    def work(executor: Executor) -> None:
        ended.extend(executor.run(until_idle=True))

    threads = [
        threading.Thread(
            target=work,
            args=(Executor(site.client_for(site.users.executor), handler, breaker=breaker),),
        )
        for _ in range(parallel)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return ended


def statuses(jobs: list[GovernanceJob]) -> list[JobStatus]:
    return [reloaded(job).status for job in jobs]


def proposed_again(users: Users, contract: SystemContract) -> GovernanceJob:
    """Propose a failed contract again, and take the repetition through its review to a job."""
    name = contract.affected_capabilities[0]
    repetition = propose_again(contract_id=contract.pk, proposer=users.operator)
    record_review_verdicts(
        contract_id=repetition.pk,
        validator_verdict=VALIDATOR_VERDICT | {"affected_capabilities": [name]},
        eligibility_verdict=MAY,
        actor=users.operator,
    )
    signed(users, reloaded(repetition))
    return activate_contract(contract_id=repetition.pk, actor=users.operator)


# --- the whole ---
def test_handler__with_a_bug_and_20_jobs_waiting__loses_two_and_those_in_flight(
    site: Site,
) -> None:
    jobs = jobs_of_their_own(site.users, 20)
    broken = CountingHandler(crash)
    ended = run_all(site, broken)
    lost = [job for job in jobs if reloaded(job).status == JobStatus.FAILED]
    assert len(ended) == len(lost) == len(broken.steps)
    # The first, those in flight beside it, and the one that tried after the first fault.
    assert 2 <= len(lost) <= 2 + (PARALLEL - 1)
    assert statuses(jobs).count(JobStatus.PENDING) == 20 - len(lost)

    mended = CountingHandler()
    assert len(run_all(site, mended)) == 20 - len(lost)
    assert statuses(jobs).count(JobStatus.COMPLETED) == 20 - len(lost)
    for job in lost:
        judge(reloaded(job), site.users.auditor, verdict=AuditVerdict.FAIL)
    again = [proposed_again(site.users, reloaded(job.contract)) for job in lost]
    run_all(site, mended)
    assert statuses(again) == [JobStatus.COMPLETED] * len(lost)
    assert {reloaded(job.contract).status for job in lost} == {ContractStatus.FAILED}


def test_handler__at_fault_once__runs_one_job_at_a_time_until_one_ends_without(
    site: Site,
) -> None:
    """Let the first job crash, and the second take so long that others would run beside it."""
    seen: list[int] = []

    def does(number: int) -> None:
        if number == 1:
            crash(number)
        if number == 2:
            handler.most_at_once = 0
            time.sleep(0.5)
            seen.append(len(handler.steps))

    handler = CountingHandler(does)
    jobs = jobs_of_their_own(site.users, 6)
    # One executor meets the fault; with more, those in flight beside it would end without one.
    breaker = ExecutorBreaker()
    first = Executor(site.client_for(site.users.executor), handler, breaker=breaker)
    assert [outcome.is_fault for outcome in first.run(at_most=1)] == [True]
    assert breaker.state is CAREFUL
    threads = [
        threading.Thread(target=lambda each=each: list(each.run(until_idle=True)))
        for each in (
            Executor(site.client_for(site.users.executor), handler, breaker=breaker)
            for _ in range(PARALLEL)
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == [2]
    assert sorted(statuses(jobs)) == [JobStatus.COMPLETED] * 5 + [JobStatus.FAILED]
    assert breaker.state is CLOSED


@pytest.mark.parametrize("does", [refuse, lambda number: None])
def test_target__that_refuses_every_step__is_no_fault(
    site: Site, does: Callable[[int], None]
) -> None:
    jobs = jobs_of_their_own(site.users, 5)
    assert len(run_all(site, CountingHandler(does), parallel=2)) == 5
    assert JobStatus.PENDING not in statuses(jobs)


def test_health__that_blocks_a_job_after_a_fault__shows_nothing_of_the_handler(
    site: Site,
) -> None:
    def blocked_after_one(number: int) -> None:
        signal(site.users, HealthDecision.BLOCKED, "SYSTEM")
        crash(number)

    jobs_of_their_own(site.users, 2)
    breaker, handler = ExecutorBreaker(), CountingHandler(blocked_after_one)
    executor = Executor(site.client_for(site.users.executor), handler, breaker=breaker)
    assert [outcome.is_fault for outcome in executor.run(until_idle=True)] == [True, None]
    assert breaker.state is CAREFUL


def test_job__that_is_lost__shows_nothing_of_the_handler(site: Site) -> None:
    [job, *_] = jobs_of_their_own(site.users, 1)
    operator = site.client_for(site.users.operator)
    handler = CountingHandler(lambda number: operator.cancel(job.pk, reason="Wrong branch."))
    breaker = ExecutorBreaker()
    executor = Executor(site.client_for(site.users.executor), handler, breaker=breaker)
    [lost] = executor.run(until_idle=True)
    assert (lost.status, lost.is_fault) == (None, None)


def test_faults__are_logged_with_what_follows(site: Site) -> None:
    jobs_of_their_own(site.users, 3)
    messages: list[str] = []
    client = site.client_for(site.users.executor)
    executor = Executor(client, CountingHandler(crash), log=messages.append)
    assert len(list(executor.run())) == 2
    assert [text for text in messages if text.startswith("the handler")] == [
        "the handler was at fault: one job at a time, until one ends without a fault",
        "the handler was at fault: no other job is claimed, because it was at fault twice in a row",
    ]


# --- the breaker alone ---
def test_breaker__without_a_fault__admits_any_number() -> None:
    breaker = ExecutorBreaker()
    assert all(breaker.admit() for _ in range(10))


def test_breaker__after_a_fault__admits_one_when_no_other_runs() -> None:
    breaker = ExecutorBreaker()
    assert breaker.admit()
    assert breaker.admit()
    assert breaker.end(is_fault=True) is CAREFUL
    assert not breaker.admit()
    assert breaker.end(is_fault=None) is CAREFUL
    assert breaker.admit()
    assert not breaker.admit()
    assert breaker.end(is_fault=False) is CLOSED


def test_breaker__two_faults_in_a_row__admits_none_for_good() -> None:
    breaker = ExecutorBreaker()
    assert all(breaker.admit() for _ in range(3))  # in flight before the first fault
    for is_fault in (True, True, False):
        breaker.end(is_fault=is_fault)
    assert breaker.is_open
    assert not breaker.admit()
