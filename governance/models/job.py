"""GovernanceJob: the only job of an activated contract."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q

from governance.domain.canonical import timestamp
from governance.domain.errors import JobNotFoundError
from governance.domain.lifecycles import JOB_TERMINAL_STATES, JobStateMachine
from governance.domain.values import JobRunner, JobStatus, StepStatus
from governance.models.account import Account
from governance.models.constraints import closed_set, filled_index, filled_only_when, filled_when
from governance.models.contract import SystemContract
from governance.models.fields import (
    StatefulModel,
    StatusField,
    account_key,
    digest_field,
    id_field,
    moves_to,
    one_to_one_field,
)

_moves_to = partial(moves_to, JobStateMachine.sources_of)


class JobQuerySet(models.QuerySet["GovernanceJob"]):
    def lock(self, job_id: UUID | str) -> GovernanceJob:
        """Lock a job's contract, then the job, and return the job with its contract.

        Raises:
            JobNotFoundError: there is no such job.
        """
        contract = SystemContract.objects.select_for_update().filter(job__id=job_id).first()
        if contract is None:
            raise JobNotFoundError(job_id)
        job = self.select_for_update().get(pk=job_id)
        job.contract = contract
        return job

    def with_failed_steps(self) -> JobQuerySet:
        """Annotate each job with `failed_steps`, the number of its FAILED results."""
        return self.annotate(
            failed_steps=models.Count("results", filter=Q(results__status=StepStatus.FAILED))
        )


class GovernanceJob(StatefulModel):
    """The execution of a contract's plan; only `authorities/orchestrator/` writes it."""

    id = id_field()
    contract = one_to_one_field(SystemContract, related_name="job")
    status = StatusField(JobStatus, default=JobStatus.PENDING)
    total_steps = models.PositiveIntegerField()
    current_step_index = models.PositiveIntegerField(default=0)
    timeout_minutes = models.PositiveIntegerField()
    # Not part of the hashed record: it says who may start the job, and not what was done.
    run_by = models.CharField(
        max_length=10, default=JobRunner.CLIENT.value, db_default=JobRunner.CLIENT.value
    )
    # Whether the contract is a rollback; not part of the hashed record, because the contract's is.
    is_rollback = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField()
    created_by = account_key(db_index=False)
    started_at = models.DateTimeField(null=True)
    started_by = account_key(null=True, db_index=False)
    deadline_at = models.DateTimeField(null=True)
    # How long the executor may send no report. Not part of the hashed record.
    lease_expires_at = models.DateTimeField(null=True)
    # Only a hash, so that a reader of the record cannot report in the executor's name.
    execution_token_sha256 = digest_field(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = account_key(null=True, db_index=False)
    end_reason = models.TextField(blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = "job"
        ordering = ["-created_at", "-id"]
        default_permissions = ("view",)
        permissions = [
            ("execute_job", "Can claim, start, report and complete jobs"),
            ("cancel_job", "Can cancel jobs and end those that timed out"),
        ]
        constraints = [
            closed_set("status", JobStatus, name="job_status_known"),
            closed_set("run_by", JobRunner, name="job_run_by_known"),
            models.CheckConstraint(condition=Q(total_steps__gte=1), name="job_has_steps"),
            models.CheckConstraint(
                condition=Q(timeout_minutes__gte=1, timeout_minutes__lte=1440),
                name="job_timeout_in_bounds",
            ),
            models.CheckConstraint(
                condition=Q(current_step_index__lte=models.F("total_steps")),
                name="job_cursor_in_bounds",
            ),
            # Together with the next constraint, started_at is set exactly by the start;
            # change_freeze_active.sql relies on that.
            models.CheckConstraint(
                condition=~Q(status=JobStatus.PENDING.value)
                | Q(started_at=None, current_step_index=0),
                name="job_pending_has_not_started",
            ),
            filled_when(
                "status",
                [JobStatus.RUNNING, JobStatus.COMPLETED, JobStatus.FAILED],
                ["started_at", "started_by", "deadline_at", "execution_token_sha256"],
                name="job_running_has_started",
            ),
            filled_only_when(
                "status",
                [JobStatus.RUNNING],
                ["lease_expires_at"],
                name="job_running_holds_lease",
            ),
            models.CheckConstraint(
                condition=Q(lease_expires_at__lte=models.F("deadline_at")),
                name="job_lease_in_deadline",
            ),
            filled_only_when(
                "status",
                sorted(JOB_TERMINAL_STATES),
                ["ended_at", "ended_by"],
                name="job_ended_means_terminal",
            ),
        ]
        indexes = [
            # The two orders of lists. Each index has the other time too, for filters by range.
            models.Index(fields=["-created_at", "-id", "-updated_at"], name="job_newest"),
            models.Index(fields=["updated_at", "id", "created_at"], name="job_updated"),
            models.Index(fields=["status", "-created_at", "-id"], name="job_by_status"),
            models.Index(fields=["status", "updated_at", "id"], name="job_status_updated"),
            models.Index(
                fields=["created_at", "id"],
                condition=Q(status=JobStatus.PENDING.value, run_by=JobRunner.CLIENT.value),
                name="job_claimable",
            ),
            models.Index(
                fields=["created_at", "id"],
                condition=Q(status=JobStatus.PENDING.value, run_by=JobRunner.WORKER.value),
                name="job_waits_for_worker",
            ),
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(status=JobStatus.RUNNING.value),
                name="job_running_lease",
            ),
            # The jobs that a person created, started or ended, the newest first.
            models.Index(fields=["created_by", "-created_at", "-id"], name="job_created_by"),
            filled_index(
                "started_by", fields=["started_by", "-created_at", "-id"], name="job_started_by"
            ),
            filled_index(
                "ended_by", fields=["ended_by", "-created_at", "-id"], name="job_ended_by"
            ),
            filled_index("ended_at", fields=["status", "ended_at"], name="job_ended"),
        ]

    def __str__(self) -> str:
        return f"Job {self.pk}"

    # --- the moves; the database guard job_moves has the same table. `start_job.sql` moves a job to
    # RUNNING, because PostgreSQL picks the job of a claim ---
    @_moves_to(JobStatus.COMPLETED)
    def to_completed(self, *, at: datetime, by: Account, reason: str) -> None:
        self._end(at=at, by=by, reason=reason)

    @_moves_to(JobStatus.FAILED)
    def to_failed(self, *, at: datetime, by: Account, reason: str) -> None:
        self._end(at=at, by=by, reason=reason)

    @_moves_to(JobStatus.CANCELLED)
    def to_cancelled(self, *, at: datetime, by: Account, reason: str) -> None:
        self._end(at=at, by=by, reason=reason)

    def _end(self, *, at: datetime, by: Account, reason: str) -> None:
        self.ended_at = at
        self.ended_by = by
        self.end_reason = reason
        self.lease_expires_at = None

    # --- the records whose digests the ledger contains ---
    def creation_record(self, steps: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the job as activation created it; `steps` are its steps' records, in order."""
        return {
            "job_id": str(self.pk),
            "contract_id": str(self.contract_id),
            "total_steps": self.total_steps,
            "timeout_minutes": self.timeout_minutes,
            "created_at": timestamp(self.created_at),
            "created_by": self.created_by_id,
            "steps": steps,
        }

    def start_record(self) -> dict[str, Any]:
        return {
            "started_at": timestamp(self.started_at),
            "started_by": self.started_by_id,
            "deadline_at": timestamp(self.deadline_at),
            "execution_token_sha256": self.execution_token_sha256,
        }

    def end_record(self) -> dict[str, Any]:
        return {
            "status": str(self.status),
            "current_step_index": self.current_step_index,
            "ended_at": timestamp(self.ended_at),
            "ended_by": self.ended_by_id,
            "end_reason": self.end_reason,
        }
