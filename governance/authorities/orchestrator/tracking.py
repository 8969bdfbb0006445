"""Tracking: the claim, the start, the reports and the end of a job."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.authorities.orchestrator.evidence import AuditTrigger
from governance.authorities.orchestrator.guards import (
    require_cancellation_reason,
    require_own,
    require_running,
    require_token,
    token_hash,
)
from governance.authorities.orchestrator.job_state import (
    JobHistory,
    JobState,
    read_job_history,
    read_job_state,
)
from governance.authorities.orchestrator.job_writes import (
    claim_oldest_pending,
    write_end,
    write_start,
)
from governance.authorities.orchestrator.leases import (
    lease_expiry,
    lease_grace,
    lease_has_expired,
    require_lease,
)
from governance.authorities.orchestrator.queries import job_progress
from governance.authorities.orchestrator.snapshots import snapshot_of
from governance.authorities.orchestrator.step_reports import require_report, require_reports
from governance.authorities.orchestrator.step_results import record_due_report, record_reports
from governance.db.transactions import optimistic_transaction, retried
from governance.domain.canonical import digest, timestamp
from governance.domain.errors import LeaseNotOverError, StepsOutstandingError
from governance.domain.lifecycles import JobStateMachine
from governance.domain.values import (
    ActiveFreeze,
    HealthReading,
    JobProgress,
    JobStatus,
    SnapshotPhase,
    StepReport,
)
from governance.models import GovernanceJob, StepResult
from governance.record.ledger.chain import NewEntry
from governance.services.freezes.guards import refuse_active_freeze


class JobStateTracker:
    """The only writer of a job's status and results after its activation."""

    @staticmethod
    @retried
    def claim_job(
        *,
        executor: Any,
        at: datetime,
        capabilities: Sequence[str] | None = None,
    ) -> tuple[GovernanceJob, str] | None:
        """Start the oldest PENDING job; return it and its execution token, or None if none waits.

        The job gets a lease (`lease_expires_at`), as it does from `start_job`.

        Args:
            capabilities: the token scope; only jobs of contracts that affect nothing else are
                considered. None is no limit.

        Raises:
            ChangeFreezeActiveError: a change freeze is active, whether or not a job waits.
                `models/sql/functions/claim_job.sql` checks it, and `freeze_error_details` adds the
                end and the reason.
        """
        token = secrets.token_urlsafe(32)
        with optimistic_transaction():
            claimed = claim_oldest_pending(
                executor=executor,
                at=at,
                grace=lease_grace(),
                token_sha256=token_hash(token),
                capabilities=capabilities,
            )
        return (claimed, token) if claimed else None

    @staticmethod
    @retried
    def start_job(
        job_id: UUID, *, executor: Any, at: datetime, freeze: ActiveFreeze | None = None
    ) -> tuple[GovernanceJob, str]:
        """Move a PENDING job to RUNNING with a lease; return it and its execution token.

        Raises:
            NotFoundError: no such job.
            InvalidJobTransitionError: the job is not PENDING (JobImmutableError if it has ended).
            ChangeFreezeActiveError: `freeze`, which a flow read just before, is active.
        """
        with optimistic_transaction():
            state = read_job_state(job_id)
            JobStateMachine.require_move(JobStatus(state.job.status), JobStatus.RUNNING)
            refuse_active_freeze(freeze)
            return state.job, _start(state, executor=executor, at=at)

    @staticmethod
    def record_step_result(
        job_id: UUID, *, token: str, report: StepReport, executor: Any, at: datetime
    ) -> tuple[StepResult, bool]:
        """Record the report of a step; return its result and whether the result is new.

        A new result renews the lease, which `result.job` then has. The same report again returns
        the stored result and writes nothing, even after the lease.

        Raises:
            InvalidInputError: the report has an invalid field.
            NotFoundError: no such job, or another account started it.
            JobImmutableError: the job has ended.
            InvalidJobTransitionError: the job has not started.
            StaleExecutionError: the token is not the job's.
            LeaseExpiredError: a new report after the lease.
            ResultConflictError: the step has a different result already.
            StepOutOfOrderError: the step is not due.
        """
        require_report(report)
        if result := JobStateTracker._record_due(job_id, token, report, executor, at):
            return result, True
        [recorded] = JobStateTracker._record(job_id, token, [report], executor, at)
        return recorded

    @staticmethod
    def record_step_results(
        job_id: UUID, *, token: str, reports: Sequence[StepReport], executor: Any, at: datetime
    ) -> list[tuple[StepResult, bool]]:
        """Record several reports in order, all or none; otherwise like `record_step_result`.

        Raises:
            InvalidInputError: there is no report or too many, or a report has an invalid field
                (with its path: `results[2].error`).
        """
        require_reports(reports)
        return JobStateTracker._record(job_id, token, reports, executor, at)

    @staticmethod
    @retried
    def _record_due(
        job_id: UUID, token: str, report: StepReport, executor: Any, at: datetime
    ) -> StepResult | None:
        with optimistic_transaction():
            return record_due_report(job_id, token, report, executor=executor, at=at)

    @staticmethod
    @retried
    def _record(
        job_id: UUID, token: str, reports: Sequence[StepReport], executor: Any, at: datetime
    ) -> list[tuple[StepResult, bool]]:
        with optimistic_transaction():
            state = read_job_state(job_id, ahead=len(reports))
            require_own(state.job, executor)
            require_running(state.job)
            require_token(state.job, token)
            return record_reports(state, reports, executor=executor, at=at)

    @staticmethod
    @retried
    def complete_job(
        job_id: UUID, *, token: str, executor: Any, health: HealthReading | None, at: datetime
    ) -> GovernanceJob:
        """End a RUNNING job as its results say: COMPLETED, or FAILED if a step failed.

        Raises:
            NotFoundError: no such job, or another account started it.
            JobImmutableError: the job has ended, by this call or another.
            InvalidJobTransitionError: the job has not started.
            StaleExecutionError: the token is not the job's.
            LeaseExpiredError: the lease is over.
            StepsOutstandingError: steps are not reported, and none has failed.
        """
        with optimistic_transaction():
            history = read_job_history(job_id)
            job = history.job
            require_own(job, executor)
            require_running(job)
            require_token(job, token)
            require_lease(job, at)
            if failed := history.failed:
                target = JobStatus.FAILED
                reason = f"Step {failed.step_index} failed."
            elif job.current_step_index == job.total_steps:
                target, reason = JobStatus.COMPLETED, "Every step completed."
            else:
                raise StepsOutstandingError(
                    f"{job.total_steps - job.current_step_index} of {job.total_steps} steps "
                    "are not reported yet.",
                    details={"current_step": job.current_step_index},
                )
            _end(history, target, reason=reason, actor=executor, health=health, at=at)
        return job

    @staticmethod
    @retried
    def cancel_job(
        job_id: UUID, *, reason: str, actor: Any, health: HealthReading | None, at: datetime
    ) -> GovernanceJob:
        """End a PENDING or RUNNING job as CANCELLED, with the reason.

        Raises:
            ReasonRequiredError: the reason is empty or too long.
            NotFoundError: no such job.
            JobImmutableError: the job has ended.
        """
        reason = require_cancellation_reason(reason)
        with optimistic_transaction():
            history = read_job_history(job_id)
            JobStateMachine.require_move(JobStatus(history.job.status), JobStatus.CANCELLED)
            _end(history, JobStatus.CANCELLED, reason=reason, actor=actor, health=health, at=at)
        return history.job

    @staticmethod
    @retried
    def fail_timed_out_job(
        job_id: UUID, *, actor: Any, health: HealthReading | None, at: datetime
    ) -> GovernanceJob:
        """End a RUNNING job as FAILED because its lease expired.

        The outcome of the step that was due is unknown, so the job is never run again.

        Raises:
            NotFoundError: no such job.
            JobImmutableError: the job has ended.
            InvalidJobTransitionError: the job has not started.
            LeaseNotOverError: the lease is not over.
        """
        with optimistic_transaction():
            history = read_job_history(job_id)
            job = history.job
            require_running(job)
            if not lease_has_expired(job, at):
                raise LeaseNotOverError("The job's lease is not over.")
            reason = f"{_expiry_reason(job)}: {_left_at(history)}."
            _end(history, JobStatus.FAILED, reason=reason, actor=actor, health=health, at=at)
        return job

    @staticmethod
    def get_job_progress(job_id: UUID) -> JobProgress:
        """Return the progress of a job; one query.

        Raises:
            NotFoundError: no such job.
        """
        return job_progress(job_id)


def _start(state: JobState, *, executor: Any, at: datetime) -> str:
    job = state.job
    before = JobStatus(job.status)
    token = secrets.token_urlsafe(32)
    job.to_running(at=at, by=executor, token_sha256=token_hash(token))
    job.lease_expires_at = lease_expiry(job, at=at, timeout_seconds=state.timeouts[0])
    job.mark_changed(at)
    entry = NewEntry(
        "job.execution.started",
        from_status=before,
        to_status=JobStatus.RUNNING,
        records={"start_sha256": digest(job.start_record())},
    )
    write_start(state, entry, at=at)
    return token


def _end(
    history: JobHistory,
    target: JobStatus,
    *,
    reason: str,
    actor: Any,
    health: HealthReading | None,
    at: datetime,
) -> None:
    """Write, in one call, the snapshot, the evidence, the job's end and the terminal entry."""
    job = history.job
    before = JobStatus(job.status)
    snapshot = snapshot_of(job, SnapshotPhase.AFTER, health) if health else None
    getattr(job, f"to_{target.lower()}")(at=at, by=actor, reason=reason)
    job.mark_changed(at)
    evidence = AuditTrigger.seal_evidence(
        history, health_after=snapshot.reading if snapshot else None, at=at
    )
    entry = NewEntry(
        f"job.execution.{target.lower()}",
        from_status=before,
        to_status=target,
        reason=reason,
        records={
            "job_end_sha256": digest(job.end_record()),
            "health_after_sha256": digest(snapshot.as_record()) if snapshot else None,
            "evidence_sha256": evidence.sha256,
        },
    )
    write_end(history, snapshot, evidence, entry, at=at)


def _expiry_reason(job: GovernanceJob) -> str:
    if job.lease_expires_at == job.deadline_at:
        return f"Timed out after {job.timeout_minutes} minutes"
    return f"The lease lapsed at {timestamp(job.lease_expires_at)}"


def _left_at(history: JobHistory) -> str:
    job = history.job
    if failed := history.failed:
        return f"step {failed.step_index} failed and nobody ended the job"
    if job.current_step_index == job.total_steps:
        return "every step was reported and nobody ended the job"
    return f"executor lost at step {job.current_step_index}, outcome unknown"
