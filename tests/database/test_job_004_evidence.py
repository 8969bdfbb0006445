"""JOB-004: one result for each executed step, sealed evidence for each job that ended."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from governance.db.transactions import write_transaction
from governance.domain.errors import IntegrityViolationError, InvalidInputError, ResultConflictError
from governance.domain.values import StepStatus
from governance.models import AuditEvidence, LedgerEntry, StepResult
from tests.support.attacks import nothing_written, run_sql, update_row, violates_constraint
from tests.support.factories import failed_job, finished_job, pending_job, running_job
from tests.support.forgery import (
    EVIDENCE,
    NOON,
    RESULT,
    force_job,
    forge_entry,
    forge_evidence,
    forge_result,
)
from tests.support.roles import as_owner
from tests.support.users import Users


class TestJOB004EvidencePerStep:
    # --- in Python: results ---
    def test_job__all_steps_reported__has_one_result_each(self, users: Users) -> None:
        job = finished_job(users)
        assert list(job.results.values_list("step_index", flat=True)) == [0, 1, 2]

    def test_job__failed_at_its_second_step__has_two_results(self, users: Users) -> None:
        statuses = list(failed_job(users).results.values_list("status", flat=True))
        assert statuses == [StepStatus.COMPLETED, StepStatus.FAILED]

    def test_same_report__again__stored_result_and_nothing_written(self, users: Users) -> None:
        running = running_job(users)
        report = running.report(0, output={"b": [1.5, "ü"], "a": None}, health_after={"x": 1})
        first, was_new = running.record(report)
        with nothing_written():
            second, is_new = running.record(report)
        assert (was_new, is_new, second.pk) == (True, False, first.pk)

    def test_same_report__again_after_the_next_step__stored_result(self, users: Users) -> None:
        running = running_job(users)
        report = running.report(0)
        first, _ = running.record(report)
        running.record(running.report(1))
        with nothing_written():
            assert running.record(report) == (first, False)

    @pytest.mark.parametrize(
        "difference",
        [
            {"status": StepStatus.FAILED, "error": "It broke."},
            {"output": {"done": False}},
            {"output": {"done": 1}},  # in JSON, 1 is not true
            {"output": None},
            {"health_after": {"system": "BLOCKED"}},
            {"started_at": NOON},
            {"completed_at": NOON + timedelta(days=4000)},
        ],
    )
    def test_different_report__of_a_reported_step__result_conflict(
        self, users: Users, difference: dict[str, Any]
    ) -> None:
        running = running_job(users)
        report = running.report(0)
        running.record(report)
        with nothing_written(), pytest.raises(ResultConflictError) as refusal:
            running.record(replace(report, **difference))
        assert refusal.value.code == "result_conflict"

    @pytest.mark.parametrize(
        ("difference", "path"),
        [
            ({"status": StepStatus.SKIPPED}, "status"),
            ({"status": StepStatus.RUNNING}, "status"),
            ({"status": StepStatus.FAILED}, "error"),
            ({"status": StepStatus.FAILED, "error": "  "}, "error"),
            ({"error": "but it worked"}, "error"),
            ({"completed_at": NOON - timedelta(days=4000)}, "completed_at"),
            ({"started_at": NOON.replace(tzinfo=None)}, "started_at"),
            ({"output": float("nan")}, "output"),
            ({"output": {"a": ["\x00"]}}, "output.a[0]"),
            ({"health_after": 2**60}, "health_after"),
        ],
    )
    def test_report__that_cannot_be_kept__refused_by_field(
        self, users: Users, difference: dict[str, Any], path: str
    ) -> None:
        running = running_job(users)
        with nothing_written(), pytest.raises(InvalidInputError) as refusal:
            running.record(replace(running.report(0), **difference))
        assert refusal.value.errors[0]["path"] == path

    def test_result__rewritten_through_the_model__integrity_violation(self, users: Users) -> None:
        job = finished_job(users)
        with (
            nothing_written(),
            as_owner(),
            pytest.raises(IntegrityViolationError) as refusal,
            write_transaction(),
        ):
            StepResult.objects.filter(job=job).update(output=None)
        assert refusal.value.details["constraint"] == "step_result_append_only"

    def test_each_result__has_its_own_entry_with_its_digest(self, users: Users) -> None:
        job = finished_job(users)
        entries = LedgerEntry.objects.filter(contract=job.contract_id, step_index__isnull=False)
        assert [(e.step_index, e.event) for e in entries] == [
            (index, "job.step.completed") for index in range(3)
        ]

    # --- in Python: evidence ---
    def test_evidence__exists_from_the_end_on_and_not_before(self, users: Users) -> None:
        running = running_job(users)
        running.complete_steps()
        assert not AuditEvidence.objects.filter(job=running.job).exists()
        evidence = running.complete().evidence
        assert evidence.sha256 == hashlib.sha256(evidence.body.encode()).hexdigest()

    def test_job__ended_past_the_guards_without_evidence__integrity_violation(
        self, committed: Users
    ) -> None:
        job = running_job(committed).job
        with (
            nothing_written(),
            pytest.raises(IntegrityViolationError) as refusal,
            write_transaction(),
        ):
            force_job(job, "CANCELLED", committed.operator)
        assert refusal.value.details["constraint"] == "job_ends_with_evidence"

    # --- in Postgres: results ---
    @pytest.mark.parametrize(
        ("column", "value"), [("status", "FAILED"), ("output", None), ("recorded_at", NOON)]
    )
    def test_sql_update__result__refused(self, users: Users, column: str, value: Any) -> None:
        result = finished_job(users).results.get(step_index=1)
        with violates_constraint("step_result_append_only"):
            update_row(RESULT, result.pk, **{column: value})

    def test_sql_delete__result__refused(self, users: Users) -> None:
        running = running_job(users)
        running.complete_steps(1)
        with violates_constraint("step_result_append_only"):
            run_sql(f"DELETE FROM {RESULT} WHERE job_id = %s", running.job.pk)

    def test_sql_truncate__results__refused(self, users: Users) -> None:
        finished_job(users)
        with violates_constraint("step_result_append_only"):
            run_sql(f"TRUNCATE {RESULT}")

    def test_sql_insert__second_result_of_a_step__refused(self, users: Users) -> None:
        job = running_job(users).job
        with violates_constraint("result_once_per_step"):
            forge_result(job.pk, 0, users.executor)
            forge_result(job.pk, 0, users.executor)

    @pytest.mark.parametrize("status", ["PENDING", "RUNNING", "SKIPPED", "DONE"])
    def test_sql_insert__result_neither_completed_nor_failed__refused(
        self, users: Users, status: str
    ) -> None:
        job = running_job(users).job
        with violates_constraint("result_completed_or_failed"):
            forge_result(job.pk, 0, users.executor, status=status)

    def test_sql_insert__result_that_ends_before_it_starts__refused(self, users: Users) -> None:
        job = running_job(users).job
        with violates_constraint("result_ends_after_start"):
            forge_result(job.pk, 0, users.executor, completed_at=NOON - timedelta(seconds=1))

    # --- in Postgres: evidence ---
    @pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
    def test_sql_update__job_ends_without_evidence__refused_at_commit(
        self, users: Users, status: str
    ) -> None:
        job = running_job(users).job
        with violates_constraint("job_ends_with_evidence", at_commit=True):
            force_job(job, status, users.operator)
            forge_entry(
                job.contract_id,
                event=f"job.execution.{status.lower()}",
                from_status="RUNNING",
                to_status=status,
            )

    @pytest.mark.parametrize("status", ["PENDING", "RUNNING"])
    def test_sql_insert__evidence_of_job_under_way__refused_at_commit(
        self, users: Users, status: str
    ) -> None:
        job = pending_job(users) if status == "PENDING" else running_job(users).job
        with violates_constraint("job_ends_with_evidence", at_commit=True):
            forge_evidence(job.pk)

    def test_sql_insert__second_evidence__refused(self, users: Users) -> None:
        job = finished_job(users)
        with violates_constraint("governance_auditevidence_job_id_key"):
            forge_evidence(job.pk)

    def test_sql_insert__evidence_under_another_digest__refused(self, users: Users) -> None:
        job = running_job(users).job
        with violates_constraint("evidence_digest"):
            forge_evidence(job.pk, sha256="0" * 64)

    def test_sql_insert__evidence_about_another_job__refused(self, users: Users) -> None:
        other, job = finished_job(users), running_job(users).job
        with violates_constraint("evidence_digest"):
            forge_evidence(job.pk, body=other.evidence.body)

    @pytest.mark.parametrize(
        ("column", "value"), [("body", "{}"), ("sha256", "0" * 64), ("collected_at", NOON)]
    )
    def test_sql_update__evidence__refused(self, users: Users, column: str, value: Any) -> None:
        evidence = AuditEvidence.objects.get(job=finished_job(users))
        with violates_constraint("evidence_written_once"):
            update_row(EVIDENCE, evidence.pk, **{column: value})

    def test_sql_delete__evidence__refused(self, users: Users) -> None:
        job = finished_job(users)
        with violates_constraint("evidence_written_once"):
            run_sql(f"DELETE FROM {EVIDENCE} WHERE job_id = %s", job.pk)

    def test_sql_truncate__evidence__refused(self, users: Users) -> None:
        finished_job(users)
        with violates_constraint("evidence_written_once"):
            run_sql(f"TRUNCATE {EVIDENCE}")
