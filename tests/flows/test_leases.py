"""Tests of leases: how long a job may go without a report, and what happens when one expires."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.queries import jobs_past_lease, steps_with_status
from governance.domain.errors import (
    GovernanceError,
    JobImmutableError,
    LeaseExpiredError,
    StaleExecutionError,
    WrongStateError,
)
from governance.domain.values import JobStatus, StepReport, StepStatus
from governance.flows import run_job
from governance.flows.sweep import fail_timed_out_jobs
from governance.models import GovernanceJob, LedgerEntry
from governance.record.ledger.verification import verify_ledger
from tests.support.attacks import nothing_written
from tests.support.clock import as_of, clock_at
from tests.support.factories import (
    Running,
    affecting,
    approved,
    now,
    pending_job,
    reloaded,
    running_job,
)
from tests.support.forgery import forge_activation, forge_step
from tests.support.users import Users

TICK = timedelta(microseconds=1)
STEP = timedelta(seconds=300)
GRACE = timedelta(seconds=60)
# All timeouts differ, so that a lease shows which step renewed it.
BATCH_TIMEOUTS = (10, 500, 3, 70)

Start = Callable[[GovernanceJob, Users, datetime], tuple[GovernanceJob, str]]


def by_start(job: GovernanceJob, users: Users, at: datetime) -> tuple[GovernanceJob, str]:
    return as_of(at, GovernanceOrchestrator.start_job, job_id=job.pk, executor=users.executor)


def by_claim(job: GovernanceJob, users: Users, at: datetime) -> tuple[GovernanceJob, str]:
    claimed = as_of(at, GovernanceOrchestrator.claim_job, executor=users.executor)
    assert claimed
    return claimed


def lease_of(job: GovernanceJob) -> datetime:
    expires_at = reloaded(job).lease_expires_at
    assert isinstance(expires_at, datetime)
    return expires_at


def started_with_timeouts(users: Users, timeouts: Sequence[int], *, at: datetime) -> Running:
    """Start a job at `at` with one step per timeout, in seconds."""
    with clock_at(at):
        job_id = forge_activation(
            approved(users), users.operator, steps=[], total_steps=len(timeouts)
        )
        for index, seconds in enumerate(timeouts):
            forge_step(job_id, index, timeout_seconds=seconds)
    job, token = by_start(GovernanceJob.objects.get(pk=job_id), users, at)
    return Running(job, token, users)


def record_batch(running: Running, reports: Sequence[StepReport], *, at: datetime) -> list[Any]:
    return as_of(
        at,
        GovernanceOrchestrator.record_step_results,
        job_id=running.job.pk,
        token=running.token,
        reports=reports,
        executor=running.users.executor,
    )


def sweep(users: Users, at: datetime) -> list[Any]:
    return list(as_of(at, fail_timed_out_jobs, actor=users.operator))


def all_verify() -> bool:
    return all(checked.finding is None for checked in verify_ledger())


@pytest.fixture
def grace(settings: Any) -> Callable[[int], None]:
    """Return a function that sets the grace, in seconds, which a lease adds to the step timeout."""

    def set_to(seconds: int) -> None:
        settings.GOVSITE = settings.GOVSITE | {"LEASE_GRACE_SECONDS": seconds}

    return set_to


class TestLength:
    @pytest.mark.parametrize("start", [by_start, by_claim])
    def test_started_or_claimed__lease_lasts_the_first_step_and_the_grace(
        self, users: Users, start: Start
    ) -> None:
        pending = pending_job(users)
        at = now()
        job, _ = start(pending, users, at)
        assert job.lease_expires_at == at + STEP + GRACE
        assert lease_of(job) == job.lease_expires_at

    @pytest.mark.parametrize("seconds", [0, 7, 86_400])
    def test_grace__comes_from_settings(
        self, users: Users, grace: Callable[[int], None], seconds: int
    ) -> None:
        grace(seconds)
        at = now()
        running = running_job(users, at=at, timeout_minutes=1440)
        expected = min(STEP + timedelta(seconds=seconds), timedelta(days=1))
        assert lease_of(running.job) == at + expected

    def test_step__its_own_timeout_of_the_frozen_plan_counts(
        self, users: Users, settings: Any
    ) -> None:
        settings.GOVSITE = settings.GOVSITE | {"STEP_TIMEOUT_SECONDS": 7}
        job = pending_job(users)
        settings.GOVSITE = settings.GOVSITE | {"STEP_TIMEOUT_SECONDS": 4000}
        at = now()
        by_start(job, users, at)
        assert lease_of(job) == at + timedelta(seconds=7) + GRACE

    def test_each_report__renews_it_from_its_own_time(self, users: Users) -> None:
        at = now()
        running = running_job(users, at=at)
        for index in range(2):
            at += timedelta(seconds=200)
            running.record(running.report(index), at=at)
            assert lease_of(running.job) == at + STEP + GRACE

    def test_each_report__renews_it_by_the_timeout_of_the_step_that_is_due_then(
        self, users: Users
    ) -> None:
        timeouts = (10, 500, 3)
        at = now()
        running = started_with_timeouts(users, timeouts, at=at)
        for index, seconds in enumerate(timeouts):
            assert lease_of(running.job) == at + timedelta(seconds=seconds) + GRACE
            at += timedelta(seconds=2)
            running.record(running.report(index), at=at)

    @pytest.mark.parametrize(("seconds", "expected"), [(0, 60), (59, 60), (60, 60), (500, 500)])
    @pytest.mark.parametrize("last", [StepStatus.COMPLETED, StepStatus.FAILED])
    def test_report__that_leaves_no_step_due__leaves_the_grace_or_a_minute_to_end_the_job(
        self,
        users: Users,
        grace: Callable[[int], None],
        last: StepStatus,
        seconds: int,
        expected: int,
    ) -> None:
        grace(seconds)
        running = running_job(users)
        index = 2 if last is StepStatus.COMPLETED else 0
        running.complete_steps(index)
        at = now()
        running.record(running.report(index, last), at=at)
        lapses_at = at + timedelta(seconds=expected)
        assert lease_of(running.job) == lapses_at
        with nothing_written(), pytest.raises(LeaseExpiredError):
            running.complete(at=lapses_at + TICK)
        ended = running.complete(at=lapses_at)
        assert ended.status == last

    @pytest.mark.parametrize(
        ("stored", "batch", "due"),
        [
            (0, [0], 1),
            (0, [0, 1], 2),
            (0, [0, 1, 2], 3),
            (1, [1], 2),
            (1, [1, 2], 3),
            # The batch repeats reports that are stored already.
            (1, [0, 1], 2),
            (1, [0, 1, 2], 3),
            (2, [0, 1, 2], 3),
        ],
    )
    def test_batch__that_leaves_a_step_due__renews_it_by_the_timeout_of_that_step(
        self, users: Users, stored: int, batch: list[int], due: int
    ) -> None:
        running = started_with_timeouts(users, BATCH_TIMEOUTS, at=now())
        reports = [running.report(index) for index in range(due)]
        for report in reports[:stored]:
            running.record(report)
        at = now() + timedelta(seconds=2)
        results = record_batch(running, [reports[index] for index in batch], at=at)
        expected = at + timedelta(seconds=BATCH_TIMEOUTS[due]) + GRACE
        assert lease_of(running.job) == expected
        assert results[-1][0].job.lease_expires_at == expected

    @pytest.mark.parametrize(("seconds", "expected"), [(0, 60), (59, 60), (500, 500)])
    @pytest.mark.parametrize(
        ("stored", "batch", "failed"),
        [
            (0, [0, 1, 2, 3], None),
            (2, [2, 3], None),
            (3, [0, 1, 2, 3], None),
            (0, [0], 0),
            (0, [0, 1], 1),
            (1, [0, 1, 2], 2),
            # The batch repeats stored reports after the step that failed.
            (1, [1, 0], 1),
            (0, [0, 1, 1, 0], 1),
        ],
    )
    def test_batch__that_leaves_no_step_due__leaves_the_grace_or_a_minute_to_end_the_job(
        self,
        users: Users,
        grace: Callable[[int], None],
        stored: int,
        batch: list[int],
        failed: int | None,
        seconds: int,
        expected: int,
    ) -> None:
        grace(seconds)
        running = started_with_timeouts(users, BATCH_TIMEOUTS, at=now())
        reports = {
            index: running.report(
                index, StepStatus.FAILED if index == failed else StepStatus.COMPLETED
            )
            for index in batch
        }
        for index in range(stored):
            running.record(reports.get(index) or running.report(index))
        at = now() + timedelta(seconds=2)
        results = record_batch(running, [reports[index] for index in batch], at=at)
        expires_at = at + timedelta(seconds=expected)
        assert lease_of(running.job) == results[-1][0].job.lease_expires_at == expires_at
        with nothing_written(), pytest.raises(LeaseExpiredError):
            running.complete(at=expires_at + TICK)
        ended = running.complete(at=expires_at)
        assert ended.status == (JobStatus.COMPLETED if failed is None else JobStatus.FAILED)

    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_batch__near_the_deadline__lease_ends_with_the_job(
        self, users: Users, count: int
    ) -> None:
        running = running_job(users, timeout_minutes=6)
        deadline = reloaded(running.job).deadline_at
        reports = [running.report(index) for index in range(count)]
        record_batch(running, reports, at=deadline - timedelta(seconds=10))
        assert lease_of(running.job) == deadline

    @pytest.mark.parametrize("start", [by_start, by_claim])
    def test_lease__given__never_outlasts_the_deadline(self, users: Users, start: Start) -> None:
        job, _ = start(pending_job(users, timeout_minutes=2), users, now())
        assert lease_of(job) == reloaded(job).deadline_at

    def test_lease__renewed__never_outlasts_the_deadline(self, users: Users) -> None:
        running = running_job(users, timeout_minutes=6)
        deadline = reloaded(running.job).deadline_at
        for index in range(3):
            running.record(running.report(index), at=deadline - timedelta(seconds=10 - index))
            assert lease_of(running.job) == deadline

    def test_lease__is_there_exactly_while_the_job_runs(self, users: Users) -> None:
        assert pending_job(users).lease_expires_at is None
        for end in (Running.complete, Running.cancel):
            running = running_job(users)
            running.complete_steps()
            assert lease_of(running.job)
            assert end(running).lease_expires_at is None
            assert reloaded(running.job).lease_expires_at is None

    def test_report__repeated__leaves_the_lease_and_returns_it(self, users: Users) -> None:
        at = now()
        running = running_job(users, at=at)
        report = running.report(0)
        first, _ = running.record(report, at=at)
        with nothing_written():
            repeated, is_new = running.record(report, at=at + timedelta(seconds=99))
        assert not is_new
        assert first.job.lease_expires_at == repeated.job.lease_expires_at == at + STEP + GRACE

    def test_report__with_more_steps__asks_no_more_queries(self, users: Users) -> None:
        counts = []
        for number in (2, 60):
            changes = [
                {"type": "parameter_change", "scope": "Search", "parameters": {f"p{index}": index}}
                for index in range(number)
            ]
            running = running_job(users, proposed_changes=changes)
            with CaptureQueriesContext(connection) as seen:
                running.record(running.report(0))
            counts.append(len(seen))
            running.cancel()
        assert counts[0] == counts[1] <= 11


class TestLateReports:
    @pytest.mark.parametrize("late", [-TICK, timedelta(0)])
    def test_report__up_to_the_last_moment__is_in_time(self, users: Users, late: timedelta) -> None:
        running = running_job(users)
        _, is_new = running.record(running.report(0), at=lease_of(running.job) + late)
        assert is_new

    @pytest.mark.parametrize("late", [TICK, timedelta(days=30)])
    @pytest.mark.parametrize("reported", [0, 1])
    def test_report__after_the_lease__lapsed_though_no_sweep_has_run(
        self, users: Users, reported: int, late: timedelta
    ) -> None:
        running = running_job(users)
        running.complete_steps(reported)
        lapses_at = lease_of(running.job)
        with nothing_written(), pytest.raises(LeaseExpiredError) as refusal:
            running.record(running.report(reported), at=lapses_at + late)
        assert refusal.value.code == "lease_expired"
        assert isinstance(refusal.value, StaleExecutionError)
        assert "constraint" not in refusal.value.details
        assert refusal.value.details["lease_expires_at"].startswith(f"{lapses_at:%Y-%m-%dT%H:%M}")

    @pytest.mark.parametrize("step_index", [0, 2])
    def test_report__late_and_wrong_besides__lapsed(self, users: Users, step_index: int) -> None:
        running = running_job(users)
        running.complete_steps(1)
        report = running.report(step_index, output="something else")
        with nothing_written(), pytest.raises(LeaseExpiredError):
            running.record(report, at=lease_of(running.job) + TICK)

    def test_report__late_and_under_another_token__stale(self, users: Users) -> None:
        running = running_job(users)
        lapsed = lease_of(running.job) + TICK
        running.token = "another"
        for write in (
            lambda: running.record(running.report(0), at=lapsed),
            lambda: running.complete(at=lapsed),
        ):
            with nothing_written(), pytest.raises(StaleExecutionError) as refusal:
                write()
            assert refusal.value.code == "stale_execution"

    def test_report__on_record_already__is_answered_again_after_the_lease(
        self, users: Users
    ) -> None:
        running = running_job(users)
        report = running.report(0)
        stored, _ = running.record(report)
        with nothing_written():
            result = running.record(report, at=lease_of(running.job) + TICK)
        assert result == (stored, False)

    def test_complete__after_the_lease__lapsed(self, users: Users) -> None:
        running = running_job(users)
        running.complete_steps()
        with nothing_written(), pytest.raises(LeaseExpiredError):
            running.complete(at=lease_of(running.job) + TICK)

    def test_complete__late_with_steps_outstanding__lapsed(self, users: Users) -> None:
        running = running_job(users)
        with nothing_written(), pytest.raises(LeaseExpiredError):
            running.complete(at=lease_of(running.job) + TICK)

    def test_cancel__after_the_lease__is_a_persons_to_do(self, users: Users) -> None:
        running = running_job(users, at=now() - timedelta(minutes=30))
        assert lease_of(running.job) < now()
        assert running.cancel().status == JobStatus.CANCELLED


class TestSweep:
    @pytest.mark.parametrize("reported", [0, 1, 2])
    def test_lost_executor__its_job_ends_failed_with_the_outcome_unknown(
        self, users: Users, reported: int
    ) -> None:
        running = running_job(users)
        running.complete_steps(reported)
        lapses_at = lease_of(running.job)
        [outcome] = sweep(users, lapses_at + TICK)
        assert (outcome.subject_id, outcome.status) == (running.job.pk, "FAILED")
        job = reloaded(running.job)
        assert job.end_reason == (
            f"The lease lapsed at {lapses_at:%Y-%m-%dT%H:%M:%S.%fZ}: "
            f"executor lost at step {reported}, outcome unknown."
        )
        assert f"executor lost at step {reported}, outcome unknown" in job.evidence.body
        statuses = [step["status"] for step in steps_with_status(job)]
        assert statuses == ["COMPLETED"] * reported + ["FAILED"] + ["SKIPPED"] * (2 - reported)
        assert job.results.count() == reported
        assert all_verify()

    def test_lost_executor__at_the_deadline__timed_out(self, users: Users) -> None:
        running = running_job(users, timeout_minutes=5)
        sweep(users, reloaded(running.job).deadline_at + TICK)
        assert reloaded(running.job).end_reason == (
            "Timed out after 5 minutes: executor lost at step 0, outcome unknown."
        )

    def test_lost_executor__after_its_last_report__says_what_is_known(self, users: Users) -> None:
        done = running_job(users)
        broken = running_job(users, **affecting("Stock"))
        done.complete_steps()
        broken.record(broken.report(0, StepStatus.FAILED))
        assert len(sweep(users, now() + GRACE + TICK)) == 2
        assert "every step was reported and nobody ended" in reloaded(done.job).end_reason
        assert "step 0 failed and nobody ended" in reloaded(broken.job).end_reason
        assert {reloaded(r.job).status for r in (done, broken)} == {JobStatus.FAILED}

    def test_sweep__at_the_last_moment_of_a_lease__passes_by(self, users: Users) -> None:
        job = running_job(users).job
        lapses_at = lease_of(job)
        assert not jobs_past_lease(lapses_at).exists()
        with nothing_written():
            assert sweep(users, lapses_at) == []
            with pytest.raises(WrongStateError) as refusal:
                as_of(lapses_at, run_job.fail_timed_out_job, job_id=job.pk, actor=users.operator)
        assert refusal.value.code == "not_timed_out"
        assert jobs_past_lease(lapses_at + TICK).get() == job

    def test_sweep__a_lease_was_renewed__goes_by_the_new_one(self, users: Users) -> None:
        at = now()
        running = running_job(users, at=at)
        running.record(running.report(0), at=at + timedelta(seconds=100))
        assert sweep(users, at + STEP + GRACE + TICK) == []
        assert len(sweep(users, at + timedelta(seconds=100) + STEP + GRACE + TICK)) == 1

    def test_sweep__most_overdue_first(self, users: Users) -> None:
        at = now()
        later = running_job(users, at=at)
        sooner = running_job(users, at=at, timeout_minutes=1, **affecting("Stock"))
        swept = [outcome.subject_id for outcome in sweep(users, at + timedelta(hours=1))]
        assert swept == [sooner.job.pk, later.job.pk]

    def test_sweep__again__finds_nothing_to_do(self, users: Users) -> None:
        running = running_job(users)
        late = lease_of(running.job) + TICK
        assert len(sweep(users, late)) == 1
        with nothing_written():
            assert sweep(users, late + timedelta(days=1)) == []
        ends = LedgerEntry.objects.filter(event="job.execution.failed")
        assert ends.count() == 1

    def test_job__of_a_lost_executor__is_never_run_again(self, users: Users) -> None:
        running = running_job(users)
        sweep(users, lease_of(running.job) + TICK)
        with nothing_written():
            assert GovernanceOrchestrator.claim_job(executor=users.executor) is None
            with pytest.raises(JobImmutableError):
                by_start(running.job, users, now())

    def test_paused_executor__resumed_after_the_sweep__changes_nothing(self, users: Users) -> None:
        running = running_job(users)
        running.complete_steps(1)
        resumed_at = lease_of(running.job) + timedelta(minutes=1)
        sweep(users, resumed_at - TICK)
        for write in (
            lambda: running.record(running.report(1), at=resumed_at),
            lambda: running.record(running.report(0), at=resumed_at),
            lambda: running.complete(at=resumed_at),
        ):
            with nothing_written(), pytest.raises(GovernanceError) as refusal:
                write()
            assert refusal.value.code == "job_immutable"
        assert all_verify()
