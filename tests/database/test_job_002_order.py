"""JOB-002: steps are numbered without gaps and run in the order of their numbers."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models import F
from psycopg.errors import CheckViolation

from governance.db.transactions import write_transaction
from governance.domain.errors import (
    GovernanceError,
    IntegrityViolationError,
    InvalidInputError,
    StepOutOfOrderError,
)
from governance.domain.values import StepStatus
from governance.models import GovernanceJob, JobStep, StepResult
from tests.support.attacks import (
    check_deferred_triggers,
    nothing_written,
    update_row,
    violates_constraint,
)
from tests.support.factories import Running, approved, pending_job, reloaded, running_job
from tests.support.forgery import (
    JOB,
    NOON,
    force_job,
    forge_activation,
    forge_entry,
    forge_evidence,
    forge_job,
    forge_result,
    forge_step,
)
from tests.support.roles import app_session
from tests.support.users import Users


def refused_report(running: Running, step_index: int) -> GovernanceError:
    with nothing_written(), pytest.raises(GovernanceError) as refusal:
        running.record(running.report(step_index))
    return refusal.value


class TestJOB002StepsInOrder:
    # --- in Python ---
    def test_job__made__numbers_its_steps_without_gaps(self, users: Users) -> None:
        job = pending_job(users)
        indexes = list(JobStep.objects.filter(job=job).values_list("step_index", flat=True))
        assert indexes == [0, 1, 2]

    def test_reports__in_order__move_the_cursor_one_by_one(self, users: Users) -> None:
        running = running_job(users)
        cursor = [reloaded(running.job).current_step_index]
        for index in range(3):
            running.record(running.report(index))
            cursor.append(reloaded(running.job).current_step_index)
        assert cursor == [0, 1, 2, 3]

    @pytest.mark.parametrize("step_index", [1, 2, 3, 2**31 - 1])
    def test_report__not_of_the_step_that_is_due__refused(
        self, users: Users, step_index: int
    ) -> None:
        refusal = refused_report(running_job(users), step_index)
        assert isinstance(refusal, StepOutOfOrderError)
        assert refusal.code == "step_out_of_order"
        assert refusal.details == {"step_index": step_index, "current_step": 0}

    def test_report__skips_a_step_later_on__refused(self, users: Users) -> None:
        running = running_job(users)
        running.complete_steps(1)
        assert refused_report(running, 2).code == "step_out_of_order"

    def test_report__after_a_failed_step__refused(self, users: Users) -> None:
        running = running_job(users)
        running.record(running.report(0, StepStatus.FAILED))
        refusal = refused_report(running, 1)
        assert refusal.code == "step_out_of_order"
        assert "Step 0 failed" in str(refusal)

    def test_report__beyond_the_last_step__refused(self, users: Users) -> None:
        running = running_job(users)
        running.complete_steps()
        refusal = refused_report(running, 3)
        assert refusal.code == "step_out_of_order"
        assert "reported already" in str(refusal)

    @pytest.mark.parametrize("step_index", [-1, 2**31, True, 0.0, "0", None])
    def test_report__index_that_is_no_step__refused_as_input(
        self, users: Users, step_index: object
    ) -> None:
        refusal = refused_report(running_job(users), step_index)  # type: ignore[arg-type]
        assert isinstance(refusal, InvalidInputError)
        assert refusal.errors[0]["path"] == "step_index"

    def test_result__saved_past_the_guards__out_of_order(self, users: Users) -> None:
        job = running_job(users).job
        with nothing_written(), pytest.raises(StepOutOfOrderError) as refusal, write_transaction():
            StepResult.objects.create(
                job=job,
                step_index=1,
                status=StepStatus.COMPLETED,
                started_at=NOON,
                completed_at=NOON,
                recorded_at=NOON,
                recorded_by=users.executor,
            )
        assert refusal.value.details["constraint"] == "step_results_in_order"

    def test_cursor__moved_past_the_guards__integrity_violation(self, committed: Users) -> None:
        job = running_job(committed).job
        with (
            nothing_written(),
            pytest.raises(IntegrityViolationError) as refusal,
            write_transaction(),
        ):
            GovernanceJob.objects.filter(pk=job.pk).update(
                current_step_index=F("current_step_index") + 1
            )
        assert refusal.value.details["constraint"] == "job_agrees_with_results"

    # --- in Postgres: the steps ---
    @pytest.mark.parametrize("step_index", [2, 7])
    def test_sql_insert__step_beyond_the_plan__refused(self, users: Users, step_index: int) -> None:
        contract = approved(users)
        with violates_constraint("job_steps_sealed"):
            forge_step(forge_job(contract.pk, users.operator, total_steps=2), step_index)

    @pytest.mark.parametrize("step_index", [1, 7])
    def test_sql_insert__step_before_its_job__refused(self, users: Users, step_index: int) -> None:
        """Otherwise steps 0 and 7 would count as two, and step 1 could be added later."""
        contract = approved(users)
        with violates_constraint("job_steps_sealed"):
            job_id = uuid4()
            forge_step(job_id, step_index)
            forge_job(contract.pk, users.operator, id=job_id, total_steps=2)

    def test_sql_insert__step_of_a_job_not_committed_elsewhere__refused(
        self, committed: Users
    ) -> None:
        """A session that knows a job's id cannot add a step while the activation is uncommitted."""
        contract, job_id = approved(committed), uuid4()
        with transaction.atomic():
            forge_activation(contract, committed.operator, steps=[0, 1], total_steps=2, id=job_id)
            with (
                app_session() as another,
                pytest.raises(CheckViolation, match="after its job"),
            ):
                another.execute(
                    "INSERT INTO governance_jobstep (job_id, step_index, step_type, target,"
                    " change, timeout_seconds) VALUES (%s, 2, 'x', 'Search', '{}', 1)",
                    [job_id],
                )
        assert JobStep.objects.filter(job=job_id).count() == 2

    def test_sql_insert__step_added_later__refused(self, users: Users) -> None:
        job = pending_job(users)
        for step_index, constraint in ((0, "step_index_once"), (3, "job_steps_sealed")):
            with violates_constraint(constraint):
                forge_step(job.pk, step_index)

    def test_sql_insert__every_step_there__accepted(self, users: Users) -> None:
        forge_activation(approved(users), users.operator, steps=[0, 1, 2], total_steps=3)
        check_deferred_triggers()

    @pytest.mark.parametrize("steps", [[], [0, 1], [0, 2], [1, 2]])
    def test_sql_insert__gap_between_steps__refused_at_commit(
        self, users: Users, steps: list[int]
    ) -> None:
        contract = approved(users)
        with violates_constraint("job_steps_sealed", at_commit=True):
            forge_activation(contract, users.operator, steps=steps, total_steps=3)

    def test_sql_insert__step_index_twice__refused(self, users: Users) -> None:
        contract = approved(users)
        with violates_constraint("step_index_once"):
            job_id = forge_job(contract.pk, users.operator, total_steps=2)
            forge_step(job_id, 0)
            forge_step(job_id, 0)

    def test_sql_insert__job_without_steps__refused(self, users: Users) -> None:
        with violates_constraint("job_has_steps"):
            forge_job(approved(users).pk, users.operator, total_steps=0)

    # --- in Postgres: the results ---
    @pytest.mark.parametrize("step_index", [1, 2, 3])
    def test_sql_insert__result_not_of_the_due_step__refused(
        self, users: Users, step_index: int
    ) -> None:
        job = running_job(users).job
        with violates_constraint("step_results_in_order"):
            forge_result(job.pk, step_index, users.executor)

    def test_sql_insert__result_beyond_the_last_step__refused(self, users: Users) -> None:
        running = running_job(users)
        running.complete_steps()
        with violates_constraint("step_results_in_order"):
            forge_result(running.job.pk, 3, users.executor)

    def test_sql_insert__result_after_a_failed_step__refused(self, users: Users) -> None:
        running = running_job(users)
        running.record(running.report(0, StepStatus.FAILED))
        with violates_constraint("step_results_in_order"):
            forge_result(running.job.pk, 1, users.executor)

    def test_sql_insert__result_of_pending_job__refused(self, users: Users) -> None:
        job = pending_job(users)
        with violates_constraint("step_result_needs_running_job"):
            forge_result(job.pk, 0, users.executor)

    def test_sql_insert__result_without_moving_the_cursor__refused_at_commit(
        self, users: Users
    ) -> None:
        job = running_job(users).job
        with violates_constraint("job_agrees_with_results", at_commit=True):
            forge_result(job.pk, 0, users.executor)
            forge_entry(job.contract_id, step_index=0)

    # --- in Postgres: the cursor ---
    @pytest.mark.parametrize("cursor", [0, 3])
    def test_sql_update__cursor_jumps__refused(self, users: Users, cursor: int) -> None:
        running = running_job(users)
        running.complete_steps(1)
        with violates_constraint("step_results_in_order"):
            update_row(JOB, running.job.pk, current_step_index=cursor)

    def test_sql_update__cursor_moves_without_result__refused_at_commit(self, users: Users) -> None:
        job = running_job(users).job
        with violates_constraint("job_agrees_with_results", at_commit=True):
            update_row(JOB, job.pk, current_step_index=1)

    def test_sql_update__cursor_beyond_the_last_step__refused(self, users: Users) -> None:
        running = running_job(users)
        running.complete_steps()
        with violates_constraint("job_cursor_in_bounds"):
            update_row(JOB, running.job.pk, current_step_index=4)

    @pytest.mark.parametrize("reported", [0, 2])
    def test_sql_update__completed_with_steps_outstanding__refused_at_commit(
        self, users: Users, reported: int
    ) -> None:
        running = running_job(users)
        running.complete_steps(reported)
        with violates_constraint("job_agrees_with_results", at_commit=True):
            force_job(running.job, "COMPLETED", users.executor)
            forge_evidence(running.job.pk)

    def test_sql_update__completed_though_the_last_step_failed__refused_at_commit(
        self, users: Users
    ) -> None:
        running = running_job(users)
        running.complete_steps(2)
        running.record(running.report(2, StepStatus.FAILED))
        with violates_constraint("job_agrees_with_results", at_commit=True):
            force_job(running.job, "COMPLETED", users.executor)
            forge_evidence(running.job.pk)
