"""A report and the sweep at once: the locks and the lease decide, and exactly one of them wins."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from governance.flows import run_job
from governance.flows.sweep import fail_timed_out_jobs
from governance.ledger.verification import verify_ledger
from governance.models import GovernanceJob, LedgerEntry
from governance.vocabulary.errors import GovernanceError, JobImmutableError, WrongStateError
from governance.vocabulary.values import JobStatus
from tests.support.cast import Cast
from tests.support.stories import Running, again, now, running_job
from tests.support.threads import at_once, overtaking

TICK = timedelta(microseconds=1)


def lapses_at(running: Running) -> datetime:
    expires_at = again(running.job).lease_expires_at
    assert isinstance(expires_at, datetime)
    return expires_at


def give_up(running: Running, at: datetime) -> GovernanceJob:
    return run_job.fail_timed_out_job(job_id=running.job.pk, actor=running.cast.operator, at=at)


def told(running: Running, event: str) -> int:
    return LedgerEntry.objects.filter(contract=running.job.contract_id, event=event).count()


def test_report_in_time__while_the_sweep_ends_the_job__refused(committed: Cast) -> None:
    running = running_job(committed)
    last_moment = lapses_at(running)
    ended, refusal = overtaking(
        lambda: give_up(running, last_moment + TICK),
        lambda: running.record(running.report(0), at=last_moment),
    )
    assert isinstance(refusal, JobImmutableError)
    assert (again(ended).status, again(ended).results.count()) == (JobStatus.FAILED, 0)
    assert told(running, "job.step.completed") == 0
    assert all(checked.finding is None for checked in verify_ledger())


def test_complete_in_time__while_the_sweep_ends_the_job__refused(committed: Cast) -> None:
    running = running_job(committed)
    running.complete_steps()
    last_moment = lapses_at(running)
    ended, refusal = overtaking(
        lambda: give_up(running, last_moment + TICK),
        lambda: running.complete(at=last_moment),
    )
    assert isinstance(refusal, JobImmutableError)
    assert again(ended).status == JobStatus.FAILED


def test_sweep__while_a_report_renews_the_lease__lets_the_job_run(committed: Cast) -> None:
    running = running_job(committed)
    last_moment = lapses_at(running)
    (_, is_new), refusal = overtaking(
        lambda: running.record(running.report(0), at=last_moment),
        lambda: give_up(running, last_moment + TICK),
    )
    assert is_new
    assert isinstance(refusal, WrongStateError)
    assert refusal.code == "not_timed_out"
    assert again(running.job).status == JobStatus.RUNNING
    assert lapses_at(running) > last_moment


def test_sweep__that_found_a_job_before_its_lease_was_renewed__passes_it_over(
    committed: Cast,
) -> None:
    running = running_job(committed)
    last_moment = lapses_at(running)
    _, [outcome] = overtaking(
        lambda: running.record(running.report(0), at=last_moment),
        lambda: list(fail_timed_out_jobs(actor=committed.operator, at=last_moment + TICK)),
    )
    assert outcome.somebody_was_first
    assert again(running.job).status == JobStatus.RUNNING


def test_two_sweeps__at_once__end_the_job_once(committed: Cast) -> None:
    running = running_job(committed)
    late = lapses_at(running) + TICK
    _, refusal = overtaking(lambda: give_up(running, late), lambda: give_up(running, late))
    assert isinstance(refusal, JobImmutableError)
    assert told(running, "job.execution.failed") == 1


@pytest.mark.parametrize("number", range(5))
def test_late_report_and_sweep__at_once__the_report_never_counts(
    committed: Cast, number: int
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
    assert refusal.code in {"lease_lapsed", "job_immutable"}
    assert (again(ended).status, again(ended).results.count()) == (JobStatus.FAILED, 0)
    assert told(running, "job.execution.failed") == 1
    assert all(checked.finding is None for checked in verify_ledger())
