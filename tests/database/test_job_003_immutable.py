"""JOB-003: a job begins as PENDING, keeps what activation wrote, and ends once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.db.transactions import write_transaction
from governance.domain.errors import IntegrityViolationError, JobImmutableError
from governance.domain.values import JobStatus, StepStatus
from governance.flows import run_job
from governance.models import GovernanceJob, JobStep
from tests.support.attacks import nothing_written, run_sql, update_row, violates_constraint
from tests.support.clock import as_of, now
from tests.support.factories import Running, approved, pending_job, reloaded, running_job
from tests.support.forgery import (
    JOB,
    NOON,
    STEP,
    forge_job,
    forge_result,
    forge_step,
    job_columns_for,
)
from tests.support.roles import as_owner
from tests.support.users import Users

ENDED = [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED]


def ended(users: Users, status: JobStatus) -> Running:
    """Return a job that ended as `status`; only its end forbids another report."""
    running = running_job(users)
    if status is JobStatus.COMPLETED:
        running.complete_steps()
        running.job = running.complete()
    elif status is JobStatus.FAILED:
        running.record(running.report(0, StepStatus.FAILED))
        running.job = running.complete()
    else:
        running.complete_steps(1)
        running.job = running.cancel()
    assert running.job.status == status
    return running


def start(running: Running) -> None:
    as_of(
        NOON,
        GovernanceOrchestrator.start_job,
        job_id=running.job.pk,
        executor=running.users.executor,
    )


def report_again(running: Running) -> None:
    running.record(running.report(0))


def report_next(running: Running) -> None:
    running.record(running.report(1))


def time_out(running: Running) -> None:
    late = reloaded(running.job).deadline_at + timedelta(days=1)
    as_of(late, run_job.fail_timed_out_job, job_id=running.job.pk, actor=running.users.operator)


WRITES: list[Callable[[Running], Any]] = [
    start,
    report_again,
    report_next,
    Running.complete,
    Running.cancel,
    time_out,
]


class TestJOB003TerminalImmutable:
    # --- in Python ---
    @pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
    @pytest.mark.parametrize("status", ENDED)
    def test_terminal_job__any_write__job_immutable(
        self, users: Users, status: JobStatus, write: Callable[[Running], Any]
    ) -> None:
        running = ended(users, status)
        with nothing_written(), pytest.raises(JobImmutableError) as refusal:
            write(running)
        assert refusal.value.code == "job_immutable"

    @pytest.mark.parametrize("status", ENDED)
    def test_terminal_job__written_past_the_guards__job_immutable(
        self, users: Users, status: JobStatus
    ) -> None:
        job = ended(users, status).job
        with nothing_written(), pytest.raises(JobImmutableError) as refusal, write_transaction():
            GovernanceJob.objects.filter(pk=job.pk).update(end_reason="Something nicer.")
        assert refusal.value.details["constraint"] == "job_terminal_immutable"

    def test_job__status_assigned__refused_by_the_model(self, users: Users) -> None:
        job = pending_job(users)
        with pytest.raises(AttributeError):
            job.status = JobStatus.COMPLETED

    def test_step__rewritten_through_the_model__integrity_violation(self, users: Users) -> None:
        job = pending_job(users)
        with (
            nothing_written(),
            as_owner(),
            pytest.raises(IntegrityViolationError) as refusal,
            write_transaction(),
        ):
            JobStep.objects.filter(job=job).update(target="Everything")
        assert refusal.value.details["constraint"] == "job_step_written_once"

    # --- in Postgres: PENDING at insertion ---
    @pytest.mark.parametrize("status", [s for s in JobStatus if s is not JobStatus.PENDING])
    def test_sql_insert__job_born_later__refused(self, users: Users, status: JobStatus) -> None:
        contract = approved(users)
        with violates_constraint("job_moves"):
            forge_job(contract.pk, users.operator, **job_columns_for(status, users.operator))

    # --- in Postgres: terminal jobs ---
    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("status", "RUNNING"),
            ("end_reason", "Something nicer."),
            ("ended_at", NOON),
            ("current_step_index", 2),
            ("deadline_at", NOON),
            ("execution_token_sha256", "1" * 64),
            ("total_steps", 1),
        ],
    )
    @pytest.mark.parametrize("status", ENDED)
    def test_sql_update__terminal_job__refused(
        self, users: Users, status: JobStatus, column: str, value: Any
    ) -> None:
        job = ended(users, status).job
        with violates_constraint("job_terminal_immutable"):
            update_row(JOB, job.pk, **{column: value})

    @pytest.mark.parametrize("status", ENDED)
    def test_sql_update__terminal_job_to_itself__refused(
        self, users: Users, status: JobStatus
    ) -> None:
        job = ended(users, status).job
        with violates_constraint("job_terminal_immutable"):
            run_sql(f"UPDATE {JOB} SET status = status WHERE id = %s", job.pk)

    @pytest.mark.parametrize("status", ENDED)
    def test_sql_delete__terminal_job__refused(self, users: Users, status: JobStatus) -> None:
        job = ended(users, status).job
        with violates_constraint("job_never_removed"):
            run_sql(f"DELETE FROM {JOB} WHERE id = %s", job.pk)

    @pytest.mark.parametrize("status", ENDED)
    def test_sql_insert__result_of_terminal_job__refused(
        self, users: Users, status: JobStatus
    ) -> None:
        job = ended(users, status).job
        with violates_constraint("step_result_needs_running_job"):
            forge_result(job.pk, job.current_step_index, users.executor)

    # --- in Postgres: columns of activation and start ---
    @pytest.mark.parametrize("moment", [pending_job, lambda users: running_job(users).job])
    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("id", uuid4()),
            ("total_steps", 30),
            ("timeout_minutes", 1440),
            ("created_at", NOON),
            ("created_by_id", None),
        ],
    )
    def test_sql_update__what_activation_wrote__refused(
        self, users: Users, column: str, value: Any, moment: Callable[[Users], GovernanceJob]
    ) -> None:
        job = moment(users)
        with violates_constraint("job_plan_frozen"):
            update_row(JOB, job.pk, **{column: value or users.outsider.pk})

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("started_at", NOON),
            ("started_by_id", None),
            ("deadline_at", NOON),
            ("execution_token_sha256", "1" * 64),
        ],
    )
    def test_sql_update__how_a_running_job_was_started__refused(
        self, users: Users, column: str, value: Any
    ) -> None:
        job = running_job(users).job
        with violates_constraint("job_start_frozen"):
            update_row(JOB, job.pk, **{column: value or users.outsider.pk})

    @pytest.mark.parametrize("status", ["RUNNING", *ENDED])
    def test_sql_update__state_without_what_it_needs__refused(
        self, users: Users, status: str
    ) -> None:
        pending = status in (JobStatus.RUNNING, JobStatus.CANCELLED)
        job = pending_job(users) if pending else running_job(users).job
        constraint = (
            "job_running_has_started" if status == "RUNNING" else "job_ended_means_terminal"
        )
        with violates_constraint(constraint):
            update_row(JOB, job.pk, status=status)

    def test_sql_update__pending_job_that_has_started__refused(self, users: Users) -> None:
        job = pending_job(users)
        with violates_constraint("job_pending_has_not_started"):
            update_row(JOB, job.pk, started_at=now())

    # --- in Postgres: steps are immutable ---
    @pytest.mark.parametrize(
        ("column", "value"),
        [("target", "Everything"), ("change", "{}"), ("step_index", 9), ("timeout_seconds", 1)],
    )
    def test_sql_update__step__refused(self, users: Users, column: str, value: Any) -> None:
        job = pending_job(users)
        with violates_constraint("job_step_written_once"):
            run_sql(f"UPDATE {STEP} SET {column} = %s WHERE job_id = %s", value, job.pk)

    def test_sql_delete__step__refused(self, users: Users) -> None:
        job = pending_job(users)
        with violates_constraint("job_step_written_once"):
            run_sql(f"DELETE FROM {STEP} WHERE job_id = %s", job.pk)

    def test_sql_truncate__steps__refused(self, users: Users) -> None:
        pending_job(users)
        with violates_constraint("job_step_written_once"):
            run_sql(f"TRUNCATE {STEP}")

    def test_sql_insert__step_added_later__refused(self, users: Users) -> None:
        job = pending_job(users)
        with violates_constraint("job_steps_sealed"):
            forge_step(job.pk, 3)

    def test_sql_insert__step_added_instead_of_another__refused(self, users: Users) -> None:
        job = pending_job(users)
        with violates_constraint("step_index_once"):
            forge_step(job.pk, 0)

    @pytest.mark.parametrize("minutes", [0, 1441])
    def test_sql_insert__timeout_out_of_bounds__refused(self, users: Users, minutes: int) -> None:
        contract = approved(users)
        with violates_constraint("job_timeout_in_bounds"):
            forge_job(contract.pk, users.operator, timeout_minutes=minutes)
