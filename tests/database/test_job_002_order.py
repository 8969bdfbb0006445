"""JOB-002: steps are numbered without gaps, and run in that order."""

from __future__ import annotations

import pytest
from django.db.models import F

from governance.ledger.story import story
from governance.models import GovernanceJob, JobStep, StepResult
from governance.vocabulary.errors import (
    GovernanceError,
    InvalidInputError,
    RecordProtectedError,
    StepOutOfOrderError,
)
from governance.vocabulary.values import StepStatus
from tests.support.attacks import check_deferred_laws, nothing_written, refused_by, update_row
from tests.support.cast import Cast
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
from tests.support.stories import Running, again, approved, pending_job, running_job


def refused_report(running: Running, step_index: int) -> GovernanceError:
    with nothing_written(), pytest.raises(GovernanceError) as refusal:
        running.record(running.report(step_index))
    return refusal.value


class TestJOB002StepsInOrder:
    # --- in Python ---
    def test_job__made__numbers_its_steps_without_gaps(self, cast: Cast) -> None:
        job = pending_job(cast)
        indexes = list(JobStep.objects.filter(job=job).values_list("step_index", flat=True))
        assert indexes == [0, 1, 2]

    def test_reports__in_order__move_the_cursor_one_by_one(self, cast: Cast) -> None:
        running = running_job(cast)
        cursor = [again(running.job).current_step_index]
        for index in range(3):
            running.record(running.report(index))
            cursor.append(again(running.job).current_step_index)
        assert cursor == [0, 1, 2, 3]

    @pytest.mark.parametrize("step_index", [1, 2, 3, 2**31 - 1])
    def test_report__not_of_the_step_that_is_due__refused(
        self, cast: Cast, step_index: int
    ) -> None:
        refusal = refused_report(running_job(cast), step_index)
        assert isinstance(refusal, StepOutOfOrderError)
        assert refusal.code == "step_out_of_order"
        assert refusal.details == {"step_index": step_index, "current_step": 0}

    def test_report__skips_a_step_later_on__refused(self, cast: Cast) -> None:
        running = running_job(cast)
        running.complete_steps(1)
        assert refused_report(running, 2).code == "step_out_of_order"

    def test_report__after_a_failed_step__refused(self, cast: Cast) -> None:
        running = running_job(cast)
        running.record(running.report(0, StepStatus.FAILED))
        refusal = refused_report(running, 1)
        assert refusal.code == "step_out_of_order"
        assert "Step 0 failed" in str(refusal)

    def test_report__beyond_the_last_step__refused(self, cast: Cast) -> None:
        running = running_job(cast)
        running.complete_steps()
        refusal = refused_report(running, 3)
        assert refusal.code == "step_out_of_order"
        assert "reported already" in str(refusal)

    @pytest.mark.parametrize("step_index", [-1, 2**31, True, 0.0, "0", None])
    def test_report__index_that_is_no_step__refused_as_input(
        self, cast: Cast, step_index: object
    ) -> None:
        refusal = refused_report(running_job(cast), step_index)  # type: ignore[arg-type]
        assert isinstance(refusal, InvalidInputError)
        assert refusal.errors[0]["path"] == "step_index"

    def test_result__saved_past_the_guards__out_of_order(self, cast: Cast) -> None:
        job = running_job(cast).job
        with nothing_written(), pytest.raises(StepOutOfOrderError) as refusal, story():
            StepResult.objects.create(
                job=job,
                step_index=1,
                status=StepStatus.COMPLETED,
                started_at=NOON,
                completed_at=NOON,
                recorded_at=NOON,
                recorded_by=cast.executor,
            )
        assert refusal.value.details["law"] == "step_results_in_order"

    def test_cursor__moved_past_the_guards__record_protected(self, committed: Cast) -> None:
        job = running_job(committed).job
        with nothing_written(), pytest.raises(RecordProtectedError) as refusal, story():
            GovernanceJob.objects.filter(pk=job.pk).update(
                current_step_index=F("current_step_index") + 1
            )
        assert refusal.value.details["law"] == "job_agrees_with_results"

    # --- in Postgres: the steps ---
    @pytest.mark.parametrize("step_index", [2, 7])
    def test_sql_insert__step_beyond_the_plan__refused(self, cast: Cast, step_index: int) -> None:
        contract = approved(cast)
        with refused_by("job_steps_sealed"):
            forge_step(forge_job(contract.pk, cast.operator, total_steps=2), step_index)

    def test_sql_insert__every_step_there__accepted(self, cast: Cast) -> None:
        forge_activation(approved(cast), cast.operator, steps=[0, 1, 2], total_steps=3)
        check_deferred_laws()

    @pytest.mark.parametrize("steps", [[], [0, 1], [0, 2], [1, 2]])
    def test_sql_insert__gap_between_steps__refused_at_commit(
        self, cast: Cast, steps: list[int]
    ) -> None:
        contract = approved(cast)
        with refused_by("job_steps_sealed", at_commit=True):
            forge_activation(contract, cast.operator, steps=steps, total_steps=3)

    def test_sql_insert__step_index_twice__refused(self, cast: Cast) -> None:
        contract = approved(cast)
        with refused_by("step_index_once"):
            job_id = forge_job(contract.pk, cast.operator, total_steps=2)
            forge_step(job_id, 0)
            forge_step(job_id, 0)

    def test_sql_insert__job_without_steps__refused(self, cast: Cast) -> None:
        with refused_by("job_has_steps"):
            forge_job(approved(cast).pk, cast.operator, total_steps=0)

    # --- in Postgres: the results ---
    @pytest.mark.parametrize("step_index", [1, 2, 3])
    def test_sql_insert__result_not_of_the_due_step__refused(
        self, cast: Cast, step_index: int
    ) -> None:
        job = running_job(cast).job
        with refused_by("step_results_in_order"):
            forge_result(job.pk, step_index, cast.executor)

    def test_sql_insert__result_beyond_the_last_step__refused(self, cast: Cast) -> None:
        running = running_job(cast)
        running.complete_steps()
        with refused_by("step_results_in_order"):
            forge_result(running.job.pk, 3, cast.executor)

    def test_sql_insert__result_after_a_failed_step__refused(self, cast: Cast) -> None:
        running = running_job(cast)
        running.record(running.report(0, StepStatus.FAILED))
        with refused_by("step_results_in_order"):
            forge_result(running.job.pk, 1, cast.executor)

    def test_sql_insert__result_of_pending_job__refused(self, cast: Cast) -> None:
        job = pending_job(cast)
        with refused_by("step_result_needs_running_job"):
            forge_result(job.pk, 0, cast.executor)

    def test_sql_insert__result_without_moving_the_cursor__refused_at_commit(
        self, cast: Cast
    ) -> None:
        job = running_job(cast).job
        with refused_by("job_agrees_with_results", at_commit=True):
            forge_result(job.pk, 0, cast.executor)
            forge_entry(job.contract_id, step_index=0)

    # --- in Postgres: the cursor ---
    @pytest.mark.parametrize("cursor", [0, 3])
    def test_sql_update__cursor_jumps__refused(self, cast: Cast, cursor: int) -> None:
        running = running_job(cast)
        running.complete_steps(1)
        with refused_by("step_results_in_order"):
            update_row(JOB, running.job.pk, current_step_index=cursor)

    def test_sql_update__cursor_moves_without_result__refused_at_commit(self, cast: Cast) -> None:
        job = running_job(cast).job
        with refused_by("job_agrees_with_results", at_commit=True):
            update_row(JOB, job.pk, current_step_index=1)

    def test_sql_update__cursor_beyond_the_last_step__refused(self, cast: Cast) -> None:
        running = running_job(cast)
        running.complete_steps()
        with refused_by("job_cursor_in_bounds"):
            update_row(JOB, running.job.pk, current_step_index=4)

    @pytest.mark.parametrize("reported", [0, 2])
    def test_sql_update__completed_with_steps_outstanding__refused_at_commit(
        self, cast: Cast, reported: int
    ) -> None:
        running = running_job(cast)
        running.complete_steps(reported)
        with refused_by("job_agrees_with_results", at_commit=True):
            force_job(running.job, "COMPLETED", cast.executor)
            forge_evidence(running.job.pk)

    def test_sql_update__completed_though_the_last_step_failed__refused_at_commit(
        self, cast: Cast
    ) -> None:
        running = running_job(cast)
        running.complete_steps(2)
        running.record(running.report(2, StepStatus.FAILED))
        with refused_by("job_agrees_with_results", at_commit=True):
            force_job(running.job, "COMPLETED", cast.executor)
            forge_evidence(running.job.pk)
