"""The lease in PostgreSQL: set while a job runs, renewed by reports only, final once it expired.

The tests wait for no clock: they compare a recorded lease expiry with other recorded times.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from governance.db.transactions import write_transaction
from governance.domain.errors import IntegrityViolationError, LeaseExpiredError
from governance.domain.values import JobStatus, StepStatus
from governance.models import GovernanceJob, StepResult
from tests.support.attacks import (
    check_deferred_triggers,
    nothing_written,
    run_sql,
    update_row,
    violates_constraint,
)
from tests.support.clock import clock_at, now
from tests.support.factories import Running, approved, pending_job, reloaded, running_job
from tests.support.forgery import (
    JOB,
    NOON,
    SIGNATURE,
    force_job,
    forge_entry,
    forge_evidence,
    forge_job,
    forge_result,
    job_columns_for,
)
from tests.support.users import Users

TICK = timedelta(microseconds=1)
SIGNATURES = f"SELECT to_jsonb(t)::text FROM {SIGNATURE} t"
ENDED = [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED]


def lapses_at(job: GovernanceJob) -> datetime:
    expires_at = reloaded(job).lease_expires_at
    assert isinstance(expires_at, datetime)
    return expires_at


def all_reported(users: Users) -> Running:
    running = running_job(users)
    running.complete_steps()
    return running


class TestLeaseIsHeldWhileTheJobRuns:
    def test_sql_update__started_without_a_lease__refused(self, users: Users) -> None:
        job = pending_job(users)
        columns = job_columns_for("RUNNING", users.executor) | {"lease_expires_at": None}
        with violates_constraint("job_running_holds_lease"):
            update_row(JOB, job.pk, **columns)

    def test_sql_update__lease_taken_from_a_running_job__refused(self, users: Users) -> None:
        job = running_job(users).job
        with violates_constraint("job_running_holds_lease"):
            update_row(JOB, job.pk, lease_expires_at=None)

    @pytest.mark.parametrize("status", ENDED)
    def test_sql_update__job_ended_but_its_lease_kept__refused(
        self, users: Users, status: JobStatus
    ) -> None:
        job = running_job(users).job
        ended = {"status": status, "ended_at": now(), "ended_by_id": users.executor.pk}
        with violates_constraint("job_running_holds_lease"):
            update_row(JOB, job.pk, **ended)

    def test_sql_update__lease_for_a_pending_job__refused(self, users: Users) -> None:
        job = pending_job(users)
        with violates_constraint("job_running_holds_lease"):
            update_row(JOB, job.pk, lease_expires_at=NOON)

    def test_sql_insert__job_born_with_a_lease__refused(self, users: Users) -> None:
        contract = approved(users)
        with violates_constraint("job_running_holds_lease"):
            forge_job(contract.pk, users.operator, lease_expires_at=NOON)

    @pytest.mark.parametrize("status", ENDED)
    def test_sql_update__lease_for_a_job_that_ended__refused(
        self, users: Users, status: JobStatus
    ) -> None:
        if status is JobStatus.FAILED:
            running = running_job(users)
            running.record(running.report(0, StepStatus.FAILED))
        else:
            running = all_reported(users)
        job = running.cancel() if status is JobStatus.CANCELLED else running.complete()
        assert job.status == status
        with violates_constraint("job_terminal_immutable"):
            update_row(JOB, job.pk, lease_expires_at=NOON)


class TestLeaseEndsByTheDeadline:
    def test_sql_update__started_with_a_lease_beyond_the_deadline__refused(
        self, users: Users
    ) -> None:
        job = pending_job(users)
        columns = job_columns_for("RUNNING", users.executor)
        columns["lease_expires_at"] = columns["deadline_at"] + TICK
        with violates_constraint("job_lease_in_deadline"):
            update_row(JOB, job.pk, **columns)

    def test_sql_update__renewed_beyond_the_deadline__refused(self, users: Users) -> None:
        job = running_job(users).job
        with violates_constraint("job_lease_in_deadline"):
            forge_result(job.pk, 0, users.executor)
            lease = reloaded(job).deadline_at + TICK
            update_row(JOB, job.pk, current_step_index=1, lease_expires_at=lease)


class TestLeaseIsRenewedByReportsAlone:
    @pytest.mark.parametrize("by", [TICK, -TICK, timedelta(minutes=30)])
    def test_sql_update__lease_moved__refused(self, users: Users, by: timedelta) -> None:
        job = running_job(users).job
        with violates_constraint("job_lease_renewed_by_report"):
            update_row(JOB, job.pk, lease_expires_at=lapses_at(job) + by)

    def test_model__lease_moved_past_the_guards__integrity_violation(self, users: Users) -> None:
        job = running_job(users).job
        with (
            nothing_written(),
            pytest.raises(IntegrityViolationError) as refusal,
            write_transaction(),
        ):
            GovernanceJob.objects.filter(pk=job.pk).update(lease_expires_at=job.deadline_at)
        assert refusal.value.details["constraint"] == "job_lease_renewed_by_report"

    def test_sql_update__renewed_for_a_step_never_reported__refused_at_commit(
        self, users: Users
    ) -> None:
        job = running_job(users).job
        with violates_constraint("job_agrees_with_results", at_commit=True):
            lease = lapses_at(job) + TICK
            update_row(JOB, job.pk, current_step_index=1, lease_expires_at=lease)

    def test_sql_update__renewed_with_its_report__accepted(self, users: Users) -> None:
        job = running_job(users).job
        with clock_at(lapses_at(job)):
            forge_result(job.pk, 0, users.executor)
            lease = now() + timedelta(minutes=1)
            columns = {"lease_expires_at": lease, "updated_at": now()}
            update_row(JOB, job.pk, current_step_index=1, **columns)
            forge_entry(job.contract_id, step_index=0)
            check_deferred_triggers()

    def test_sql_update__renewed_first_and_reported_then__refused(self, users: Users) -> None:
        job = running_job(users).job
        late = lapses_at(job) + timedelta(minutes=1)
        with violates_constraint("step_results_in_order"):
            update_row(JOB, job.pk, current_step_index=1, lease_expires_at=late)
            forge_result(job.pk, 0, users.executor, recorded_at=late)


class TestNothingIsTakenAfterTheLease:
    @pytest.mark.parametrize("status", ["COMPLETED", "FAILED"])
    @pytest.mark.parametrize("reported", [0, 2])
    def test_sql_insert__result_recorded_after_the_lease__refused(
        self, users: Users, reported: int, status: str
    ) -> None:
        running = running_job(users)
        running.complete_steps(reported)
        late = lapses_at(running.job) + TICK
        with clock_at(late), violates_constraint("step_result_in_lease"):
            forge_result(running.job.pk, reported, users.executor, status=status)

    def test_result__saved_late_past_the_guards__lease_expired(self, users: Users) -> None:
        job = running_job(users).job
        with nothing_written(), pytest.raises(LeaseExpiredError) as refusal, write_transaction():
            StepResult.objects.create(
                job=job,
                step_index=0,
                status=StepStatus.COMPLETED,
                started_at=now(),
                completed_at=now(),
                recorded_at=lapses_at(job) + TICK,
                recorded_by=users.executor,
            )
        assert refusal.value.code == "lease_expired"
        assert refusal.value.details["constraint"] == "step_result_in_lease"

    def test_sql_update__completed_after_the_lease__refused(self, users: Users) -> None:
        job = all_reported(users).job
        columns = job_columns_for("COMPLETED", users.executor)
        ended = {name: columns[name] for name in ("status", "ended_by_id", "lease_expires_at")}
        late = lapses_at(job) + TICK
        with clock_at(late), violates_constraint("job_completed_in_lease"):
            update_row(JOB, job.pk, **ended, ended_at=late)

    def test_sql_update__completed_in_the_last_moment__only_its_entry_is_missing(
        self, users: Users
    ) -> None:
        job = all_reported(users).job
        columns = job_columns_for("COMPLETED", users.executor)
        ended = {name: columns[name] for name in ("status", "ended_by_id", "lease_expires_at")}
        with (
            clock_at(lapses_at(job)),
            violates_constraint("ledger_covers_status", at_commit=True),
        ):
            update_row(JOB, job.pk, **ended, ended_at=now())
            forge_evidence(job.pk)

    def test_job__completed_late_past_the_guards__lease_expired(self, users: Users) -> None:
        job = reloaded(all_reported(users).job)
        job.to_completed(at=lapses_at(job) + TICK, by=users.executor, reason="At last.")
        with nothing_written(), pytest.raises(LeaseExpiredError) as refusal, write_transaction():
            job.save(update_fields=["status", "ended_at", "ended_by", "end_reason"])
        assert refusal.value.details["constraint"] == "job_completed_in_lease"

    @pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
    def test_sql_update__failed_or_cancelled_after_the_lease__only_its_entry_is_missing(
        self, users: Users, status: str
    ) -> None:
        job = running_job(users).job
        with (
            clock_at(lapses_at(job) + TICK),
            violates_constraint("ledger_covers_status", at_commit=True),
        ):
            force_job(job, status, users.operator)
            forge_evidence(job.pk)


def test_sweep__finds_running_jobs_by_an_index(db: None) -> None:
    indexes = dict(run_sql("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s", JOB))
    assert "(lease_expires_at) WHERE ((status)::text = 'RUNNING'" in indexes["job_running_lease"]
