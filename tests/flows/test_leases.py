"""Leases: how long an executor may be silent, and what becomes of one that was silent longer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.flows import run_job
from governance.flows.sweep import fail_timed_out_jobs
from governance.ledger.verification import verify_ledger
from governance.models import GovernanceJob, LedgerEntry
from governance.orchestrator.leases import lease_until
from governance.orchestrator.queries import jobs_past_lease, steps_with_status
from governance.vocabulary.errors import (
    GovernanceError,
    JobImmutableError,
    LeaseLapsedError,
    StaleExecutionError,
    WrongStateError,
)
from governance.vocabulary.values import JobStatus, StepStatus
from tests.support.attacks import nothing_written
from tests.support.cast import Cast
from tests.support.forgery import forge_activation, forge_step
from tests.support.stories import Running, again, approved, now, pending_job, running_job

TICK = timedelta(microseconds=1)
STEP = timedelta(seconds=300)
GRACE = timedelta(seconds=60)

Start = Callable[[GovernanceJob, Cast, datetime], tuple[GovernanceJob, str]]


def by_start(job: GovernanceJob, cast: Cast, at: datetime) -> tuple[GovernanceJob, str]:
    return run_job.start_job(job_id=job.pk, executor=cast.executor, at=at)


def by_claim(job: GovernanceJob, cast: Cast, at: datetime) -> tuple[GovernanceJob, str]:
    claimed = run_job.claim_job(executor=cast.executor, at=at)
    assert claimed
    return claimed


def lease_of(job: GovernanceJob) -> datetime:
    expires_at = again(job).lease_expires_at
    assert isinstance(expires_at, datetime)
    return expires_at


def sweep(cast: Cast, at: datetime) -> list[Any]:
    return list(fail_timed_out_jobs(actor=cast.operator, at=at))


def all_verify() -> bool:
    return all(checked.finding is None for checked in verify_ledger())


@pytest.fixture
def grace(settings: Any) -> Callable[[int], None]:
    """Sets how much longer than its step an executor may be silent."""

    def set_to(seconds: int) -> None:
        settings.GOVERNANCE = settings.GOVERNANCE | {"LEASE_GRACE_SECONDS": seconds}

    return set_to


class TestLength:
    @pytest.mark.parametrize("start", [by_start, by_claim])
    def test_started_or_claimed__lease_lasts_the_first_step_and_the_grace(
        self, cast: Cast, start: Start
    ) -> None:
        at = now()
        job, _ = start(pending_job(cast), cast, at)
        assert job.lease_expires_at == at + STEP + GRACE
        assert lease_of(job) == job.lease_expires_at

    @pytest.mark.parametrize("seconds", [0, 7, 86_400])
    def test_grace__comes_from_settings(
        self, cast: Cast, grace: Callable[[int], None], seconds: int
    ) -> None:
        grace(seconds)
        at = now()
        running = running_job(cast, at=at, timeout_minutes=1440)
        expected = min(STEP + timedelta(seconds=seconds), timedelta(days=1))
        assert lease_of(running.job) == at + expected

    def test_step__its_own_timeout_of_the_frozen_plan_counts(
        self, cast: Cast, settings: Any
    ) -> None:
        settings.GOVERNANCE = settings.GOVERNANCE | {"STEP_TIMEOUT_SECONDS": 7}
        job = pending_job(cast)
        settings.GOVERNANCE = settings.GOVERNANCE | {"STEP_TIMEOUT_SECONDS": 4000}
        at = now()
        by_start(job, cast, at)
        assert lease_of(job) == at + timedelta(seconds=7) + GRACE

    def test_each_report__renews_it_from_its_own_time(self, cast: Cast) -> None:
        at = now()
        running = running_job(cast, at=at)
        for index in range(2):
            at += timedelta(seconds=200)
            running.record(running.report(index), at=at)
            assert lease_of(running.job) == at + STEP + GRACE

    def test_each_report__renews_it_by_the_timeout_of_the_step_that_is_due_then(
        self, cast: Cast
    ) -> None:
        timeouts = (10, 500, 3)
        job_id = forge_activation(approved(cast), cast.operator, steps=[], total_steps=3)
        for index, seconds in enumerate(timeouts):
            forge_step(job_id, index, timeout_seconds=seconds)
        at = now()
        job, token = by_start(GovernanceJob.objects.get(pk=job_id), cast, at)
        running = Running(job, token, cast)
        for index, seconds in enumerate(timeouts):
            assert lease_of(job) == at + timedelta(seconds=seconds) + GRACE
            at += timedelta(seconds=2)
            running.record(running.report(index), at=at)

    @pytest.mark.parametrize(("seconds", "expected"), [(0, 60), (59, 60), (60, 60), (500, 500)])
    @pytest.mark.parametrize("last", [StepStatus.COMPLETED, StepStatus.FAILED])
    def test_report__that_leaves_no_step_due__leaves_the_grace_or_a_minute_to_end_the_job(
        self,
        cast: Cast,
        grace: Callable[[int], None],
        last: StepStatus,
        seconds: int,
        expected: int,
    ) -> None:
        grace(seconds)
        running = running_job(cast)
        index = 2 if last is StepStatus.COMPLETED else 0
        running.complete_steps(index)
        at = now()
        running.record(running.report(index, last), at=at)
        lapses_at = at + timedelta(seconds=expected)
        assert lease_of(running.job) == lapses_at
        with nothing_written(), pytest.raises(LeaseLapsedError):
            running.complete(at=lapses_at + TICK)
        ended = running.complete(at=lapses_at)
        assert ended.status == last

    @pytest.mark.parametrize("start", [by_start, by_claim])
    def test_lease__given__never_outlasts_the_deadline(self, cast: Cast, start: Start) -> None:
        job, _ = start(pending_job(cast, timeout_minutes=2), cast, now())
        assert lease_of(job) == again(job).deadline_at

    def test_lease__renewed__never_outlasts_the_deadline(self, cast: Cast) -> None:
        running = running_job(cast, timeout_minutes=6)
        deadline = again(running.job).deadline_at
        for index in range(3):
            running.record(running.report(index), at=deadline - timedelta(seconds=10 - index))
            assert lease_of(running.job) == deadline

    def test_lease__of_a_job_that_was_never_started__there_is_none(self, cast: Cast) -> None:
        with pytest.raises(ValueError, match="never started"):
            lease_until(pending_job(cast), at=now(), timeout_seconds=1)

    def test_lease__is_there_exactly_while_the_job_runs(self, cast: Cast) -> None:
        assert pending_job(cast).lease_expires_at is None
        for end in (Running.complete, Running.cancel):
            running = running_job(cast)
            running.complete_steps()
            assert lease_of(running.job)
            assert end(running).lease_expires_at is None
            assert again(running.job).lease_expires_at is None

    def test_report__repeated__leaves_the_lease_and_tells_it(self, cast: Cast) -> None:
        at = now()
        running = running_job(cast, at=at)
        report = running.report(0)
        first, _ = running.record(report, at=at)
        with nothing_written():
            again_told, is_new = running.record(report, at=at + timedelta(seconds=99))
        assert not is_new
        assert first.job.lease_expires_at == again_told.job.lease_expires_at == at + STEP + GRACE

    def test_report__with_more_steps__asks_no_more_queries(self, cast: Cast) -> None:
        counts = []
        for number in (2, 60):
            changes = [
                {"type": "parameter_change", "scope": "Search", "parameters": {f"p{index}": index}}
                for index in range(number)
            ]
            running = running_job(cast, proposed_changes=changes)
            with CaptureQueriesContext(connection) as seen:
                running.record(running.report(0))
            counts.append(len(seen))
        assert counts[0] == counts[1] <= 11


class TestLateReports:
    @pytest.mark.parametrize("late", [-TICK, timedelta(0)])
    def test_report__up_to_the_last_moment__is_in_time(self, cast: Cast, late: timedelta) -> None:
        running = running_job(cast)
        _, is_new = running.record(running.report(0), at=lease_of(running.job) + late)
        assert is_new

    @pytest.mark.parametrize("late", [TICK, timedelta(days=30)])
    @pytest.mark.parametrize("reported", [0, 1])
    def test_report__after_the_lease__lapsed_though_no_sweep_has_run(
        self, cast: Cast, reported: int, late: timedelta
    ) -> None:
        running = running_job(cast)
        running.complete_steps(reported)
        lapses_at = lease_of(running.job)
        with nothing_written(), pytest.raises(LeaseLapsedError) as refusal:
            running.record(running.report(reported), at=lapses_at + late)
        assert refusal.value.code == "lease_lapsed"
        assert isinstance(refusal.value, StaleExecutionError)
        assert "law" not in refusal.value.details
        assert refusal.value.details["lease_expires_at"].startswith(f"{lapses_at:%Y-%m-%dT%H:%M}")

    @pytest.mark.parametrize("step_index", [0, 2])
    def test_report__late_and_wrong_besides__lapsed(self, cast: Cast, step_index: int) -> None:
        running = running_job(cast)
        running.complete_steps(1)
        report = running.report(step_index, output="something else")
        with nothing_written(), pytest.raises(LeaseLapsedError):
            running.record(report, at=lease_of(running.job) + TICK)

    def test_report__late_and_under_another_token__stale(self, cast: Cast) -> None:
        running = running_job(cast)
        lapsed = lease_of(running.job) + TICK
        running.token = "another"
        for write in (
            lambda: running.record(running.report(0), at=lapsed),
            lambda: running.complete(at=lapsed),
        ):
            with nothing_written(), pytest.raises(StaleExecutionError) as refusal:
                write()
            assert refusal.value.code == "stale_execution"

    def test_report__on_record_already__is_told_again_after_the_lease(self, cast: Cast) -> None:
        running = running_job(cast)
        report = running.report(0)
        stored, _ = running.record(report)
        with nothing_written():
            told = running.record(report, at=lease_of(running.job) + TICK)
        assert told == (stored, False)

    def test_complete__after_the_lease__lapsed(self, cast: Cast) -> None:
        running = running_job(cast)
        running.complete_steps()
        with nothing_written(), pytest.raises(LeaseLapsedError):
            running.complete(at=lease_of(running.job) + TICK)

    def test_complete__late_with_steps_outstanding__lapsed(self, cast: Cast) -> None:
        running = running_job(cast)
        with nothing_written(), pytest.raises(LeaseLapsedError):
            running.complete(at=lease_of(running.job) + TICK)

    def test_cancel__after_the_lease__is_a_persons_to_do(self, cast: Cast) -> None:
        running = running_job(cast, at=now() - timedelta(minutes=30))
        assert lease_of(running.job) < now()
        assert running.cancel().status == JobStatus.CANCELLED


class TestSweep:
    @pytest.mark.parametrize("reported", [0, 1, 2])
    def test_lost_executor__its_job_ends_failed_with_the_outcome_unknown(
        self, cast: Cast, reported: int
    ) -> None:
        running = running_job(cast)
        running.complete_steps(reported)
        lapses_at = lease_of(running.job)
        [outcome] = sweep(cast, lapses_at + TICK)
        assert (outcome.subject_id, outcome.status) == (running.job.pk, "FAILED")
        job = again(running.job)
        assert job.end_reason == (
            f"The lease lapsed at {lapses_at:%Y-%m-%dT%H:%M:%S.%fZ}: "
            f"executor lost at step {reported}, outcome unknown."
        )
        assert f"executor lost at step {reported}, outcome unknown" in job.evidence.body
        statuses = [step["status"] for step in steps_with_status(job)]
        assert statuses == ["COMPLETED"] * reported + ["FAILED"] + ["SKIPPED"] * (2 - reported)
        assert job.results.count() == reported
        assert all_verify()

    def test_lost_executor__at_the_deadline__timed_out(self, cast: Cast) -> None:
        running = running_job(cast, timeout_minutes=5)
        sweep(cast, again(running.job).deadline_at + TICK)
        assert again(running.job).end_reason == (
            "Timed out after 5 minutes: executor lost at step 0, outcome unknown."
        )

    def test_lost_executor__after_its_last_report__says_what_is_known(self, cast: Cast) -> None:
        done, broken = running_job(cast), running_job(cast)
        done.complete_steps()
        broken.record(broken.report(0, StepStatus.FAILED))
        assert len(sweep(cast, now() + GRACE + TICK)) == 2
        assert "every step was reported and nobody ended" in again(done.job).end_reason
        assert "step 0 failed and nobody ended" in again(broken.job).end_reason
        assert {again(r.job).status for r in (done, broken)} == {JobStatus.FAILED}

    def test_sweep__at_the_last_moment_of_a_lease__passes_by(self, cast: Cast) -> None:
        job = running_job(cast).job
        lapses_at = lease_of(job)
        assert not jobs_past_lease(lapses_at).exists()
        with nothing_written():
            assert sweep(cast, lapses_at) == []
            with pytest.raises(WrongStateError) as refusal:
                run_job.fail_timed_out_job(job_id=job.pk, actor=cast.operator, at=lapses_at)
        assert refusal.value.code == "not_timed_out"
        assert jobs_past_lease(lapses_at + TICK).get() == job

    def test_sweep__a_lease_was_renewed__goes_by_the_new_one(self, cast: Cast) -> None:
        at = now()
        running = running_job(cast, at=at)
        running.record(running.report(0), at=at + timedelta(seconds=100))
        assert sweep(cast, at + STEP + GRACE + TICK) == []
        assert len(sweep(cast, at + timedelta(seconds=100) + STEP + GRACE + TICK)) == 1

    def test_sweep__most_overdue_first(self, cast: Cast) -> None:
        at = now()
        later, sooner = running_job(cast, at=at), running_job(cast, at=at, timeout_minutes=1)
        swept = [outcome.subject_id for outcome in sweep(cast, at + timedelta(hours=1))]
        assert swept == [sooner.job.pk, later.job.pk]

    def test_sweep__again__finds_nothing_to_do(self, cast: Cast) -> None:
        running = running_job(cast)
        late = lease_of(running.job) + TICK
        assert len(sweep(cast, late)) == 1
        with nothing_written():
            assert sweep(cast, late + timedelta(days=1)) == []
        ends = LedgerEntry.objects.filter(event="job.execution.failed")
        assert ends.count() == 1

    def test_job__of_a_lost_executor__is_never_run_again(self, cast: Cast) -> None:
        running = running_job(cast)
        sweep(cast, lease_of(running.job) + TICK)
        with nothing_written():
            assert run_job.claim_job(executor=cast.executor, at=now()) is None
            with pytest.raises(JobImmutableError):
                by_start(running.job, cast, now())

    def test_paused_executor__resumed_after_the_sweep__changes_nothing(self, cast: Cast) -> None:
        running = running_job(cast)
        running.complete_steps(1)
        resumed_at = lease_of(running.job) + timedelta(minutes=1)
        sweep(cast, resumed_at - TICK)
        for write in (
            lambda: running.record(running.report(1), at=resumed_at),
            lambda: running.record(running.report(0), at=resumed_at),
            lambda: running.complete(at=resumed_at),
        ):
            with nothing_written(), pytest.raises(GovernanceError) as refusal:
                write()
            assert refusal.value.code == "job_immutable"
        assert all_verify()
