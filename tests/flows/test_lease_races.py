"""Races of a report and the sweep: the row locks and the lease let exactly one of them commit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from governance.domain.errors import GovernanceError, JobImmutableError, WrongStateError
from governance.domain.values import JobStatus
from governance.flows import run_job
from governance.flows.sweep import fail_timed_out_jobs
from governance.models import GovernanceJob, LedgerEntry
from governance.record.ledger.verification import verify_ledger
from tests.support.clock import as_of
from tests.support.factories import Running, now, reloaded, running_job
from tests.support.threads import at_once, overtaking
from tests.support.users import Users

TICK = timedelta(microseconds=1)


def lapses_at(running: Running) -> datetime:
    expires_at = reloaded(running.job).lease_expires_at
    assert isinstance(expires_at, datetime)
    return expires_at


def give_up(running: Running, at: datetime) -> GovernanceJob:
    return as_of(
        at, run_job.fail_timed_out_job, job_id=running.job.pk, actor=running.users.operator
    )


def entry_count(running: Running, event: str) -> int:
    return LedgerEntry.objects.filter(contract=running.job.contract_id, event=event).count()


def test_report_in_time__while_the_sweep_ends_the_job__refused(committed: Users) -> None:
    running = running_job(committed)
    last_moment = lapses_at(running)
    ended, refusal = overtaking(
        lambda: give_up(running, last_moment + TICK),
        lambda: running.record(running.report(0), at=last_moment),
    )
    assert isinstance(refusal, JobImmutableError)
    assert (reloaded(ended).status, reloaded(ended).results.count()) == (JobStatus.FAILED, 0)
    assert entry_count(running, "job.step.completed") == 0
    assert all(checked.finding is None for checked in verify_ledger())


def test_complete_in_time__while_the_sweep_ends_the_job__refused(committed: Users) -> None:
    running = running_job(committed)
    running.complete_steps()
    last_moment = lapses_at(running)
    ended, refusal = overtaking(
        lambda: give_up(running, last_moment + TICK),
        lambda: running.complete(at=last_moment),
    )
    assert isinstance(refusal, JobImmutableError)
    assert reloaded(ended).status == JobStatus.FAILED


def test_sweep__while_a_report_renews_the_lease__lets_the_job_run(committed: Users) -> None:
    running = running_job(committed)
    last_moment = lapses_at(running)
    (_, is_new), refusal = overtaking(
        lambda: running.record(running.report(0), at=last_moment),
        lambda: give_up(running, last_moment + TICK),
    )
    assert is_new
    assert isinstance(refusal, WrongStateError)
    assert refusal.code == "not_timed_out"
    assert reloaded(running.job).status == JobStatus.RUNNING
    assert lapses_at(running) > last_moment


def test_sweep__that_found_a_job_before_its_lease_was_renewed__passes_it_over(
    committed: Users,
) -> None:
    running = running_job(committed)
    last_moment = lapses_at(running)
    _, [outcome] = overtaking(
        lambda: running.record(running.report(0), at=last_moment),
        lambda: list(as_of(last_moment + TICK, fail_timed_out_jobs, actor=committed.operator)),
    )
    assert outcome.moved_by_another
    assert reloaded(running.job).status == JobStatus.RUNNING


def test_two_sweeps__at_once__end_the_job_once(committed: Users) -> None:
    running = running_job(committed)
    late = lapses_at(running) + TICK
    _, refusal = overtaking(lambda: give_up(running, late), lambda: give_up(running, late))
    assert isinstance(refusal, JobImmutableError)
    assert entry_count(running, "job.execution.failed") == 1


@pytest.mark.parametrize("number", range(5))
def test_late_report_and_sweep__at_once__the_report_never_counts(
    committed: Users, number: int
) -> None:
    running = running_job(committed, at=now() - timedelta(minutes=10))
    late = lapses_at(running) + TICK

    def report(wait: Any) -> Any:
        wait()
        return running.record(running.report(0), at=late)

    def end(wait: Any) -> GovernanceJob:
        wait()
        return give_up(running, late)

    refusal, ended = at_once(report, end)
    assert isinstance(refusal, GovernanceError)
    assert refusal.code in {"lease_expired", "job_immutable"}
    assert (reloaded(ended).status, reloaded(ended).results.count()) == (JobStatus.FAILED, 0)
    assert entry_count(running, "job.execution.failed") == 1
    assert all(checked.finding is None for checked in verify_ledger())
