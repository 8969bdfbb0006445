"""Tracking: the start, the reports and the end of a job."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from random import random
from time import sleep
from uuid import UUID

from django.conf import settings

from governance.authorities.orchestrator.evidence import AuditTrigger, EndOfJob
from governance.authorities.orchestrator.guards import (
    require_cancellation_reason,
    require_own,
    require_running,
    require_token,
    token_hash,
)
from governance.authorities.orchestrator.job_state import JobHistory, read_job_state
from governance.authorities.orchestrator.leases import (
    completion_grace,
    expiry_reason,
    lease_grace,
    lease_has_expired,
    require_lease,
)
from governance.authorities.orchestrator.queries import job_progress, jobs_are_claimable
from governance.authorities.orchestrator.snapshots import snapshot_of
from governance.authorities.orchestrator.step_reports import require_report, require_reports
from governance.authorities.orchestrator.step_results import RecordedResult, record_reports
from governance.db.rows import Columns, fetch_rows, mark_absent
from governance.db.transactions import retried
from governance.domain.canonical import digest
from governance.domain.errors import LeaseNotOverError, StepsOutstandingError
from governance.domain.lifecycles import JobStateMachine
from governance.domain.values import JobProgress, JobStatus, SnapshotPhase, StepReport
from governance.models import Account, GovernanceJob
from governance.record.ledger.chain import NewEntry, actor_name, entries_as_json

CLAIM_ATTEMPTS = 5
MAX_CLAIM_PAUSE_SECONDS = 0.05

_JOB = Columns(GovernanceJob, "job")
_START = f"SELECT {_JOB.sql} FROM governance_start_job(%s, %s, %s, %s, %s, %s, %s, %s) job"  # noqa: S608 - names of our own
_END = f"SELECT governance_end_job({', '.join(['%s'] * 14)})"
_END_AND_AUDIT = f"{_END}, governance_enqueue_audit(%s)"


class JobStateTracker:
    """The only writer of a job's status and results after its activation.

    A job that is started gets an execution token, which every report carries, and a lease
    (`lease_expires_at`).
    """

    @staticmethod
    def claim_job(
        *,
        executor: Account,
        capabilities: Sequence[str] | None = None,
        step_types: Sequence[str] | None = None,
    ) -> tuple[GovernanceJob, str] | None:
        """Start the oldest PENDING job; return it and its execution token, or None if none waits.

        A claim passes over a job whose scope overlaps that of a RUNNING one: they share a
        capability, or one of them affects SYSTEM. It also skips jobs that concurrent claims have
        locked, so it can start nothing although jobs wait. Then it is repeated, at most
        `CLAIM_ATTEMPTS` times in all.

        Args:
            capabilities: the token scope; only jobs of contracts that affect nothing else are
                considered. None is no limit.
            step_types: the types of steps that the executor can do; only jobs without another type
                are considered, and whose timeouts fit into what is left of the activation window.
                None is no limit.

        Raises:
            ChangeFreezeActiveError: a change freeze is active, whether or not a job waits.
        """
        for attempt in range(CLAIM_ATTEMPTS):
            if attempt:
                sleep(MAX_CLAIM_PAUSE_SECONDS * random())  # noqa: S311 - keeps no secret
            started = _start(executor=executor, capabilities=capabilities, step_types=step_types)
            if started or not jobs_are_claimable(capabilities):
                return started
        return None

    @staticmethod
    def start_job(job_id: UUID, *, executor: Account) -> tuple[GovernanceJob, str]:
        """Move a PENDING job to RUNNING; return it and its execution token.

        Raises:
            NotFoundError: no such job.
            InvalidJobTransitionError: the job is not PENDING (JobImmutableError if it has ended).
            ChangeFreezeActiveError: a change freeze is active.
            ScopeBusyError: a job on an overlapping scope is RUNNING.
        """
        while (started := _start(executor=executor, job_id=job_id)) is None:
            current = JobStatus(read_job_state(job_id).job.status)
            JobStateMachine.require_move(current, JobStatus.RUNNING)
        return started

    @staticmethod
    def record_step_result(
        job_id: UUID, *, token: str, report: StepReport, executor: Account
    ) -> RecordedResult:
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
        [recorded] = _record(job_id, token, [report], executor)
        return recorded

    @staticmethod
    def record_step_results(
        job_id: UUID, *, token: str, reports: Sequence[StepReport], executor: Account
    ) -> list[RecordedResult]:
        """Record several reports in order, all or none; otherwise like `record_step_result`.

        Raises:
            InvalidInputError: there is no report or too many, or a report has an invalid field
                (with its path: `results[2].error`).
        """
        require_reports(reports)
        return _record(job_id, token, reports, executor)

    @staticmethod
    def complete_job(
        history: JobHistory, end: EndOfJob, *, token: str, executor: Account
    ) -> GovernanceJob:
        """End a RUNNING job as its results say: COMPLETED, or FAILED if a step failed.

        Raises:
            NotFoundError: another account started the job.
            JobImmutableError: the job has ended, by this call or another.
            InvalidJobTransitionError: the job has not started.
            StaleExecutionError: the token is not the job's.
            LeaseExpiredError: the lease is over.
            StepsOutstandingError: steps are not reported, and none has failed.
        """
        job = history.job
        require_own(job, executor)
        require_running(job)
        require_token(job, token)
        require_lease(job, history.now)
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
        ended = _end(history, end, target, reason=reason, actor=executor)
        ended.started_by = executor
        return ended

    @staticmethod
    def cancel_job(
        history: JobHistory, end: EndOfJob, *, reason: str, actor: Account
    ) -> GovernanceJob:
        """End a PENDING or RUNNING job as CANCELLED, with the reason.

        Raises:
            ReasonRequiredError: the reason is empty or too long.
            JobImmutableError: the job has ended.
        """
        reason = require_cancellation_reason(reason)
        JobStateMachine.require_move(JobStatus(history.job.status), JobStatus.CANCELLED)
        return _end(history, end, JobStatus.CANCELLED, reason=reason, actor=actor)

    @staticmethod
    def fail_timed_out_job(history: JobHistory, end: EndOfJob, *, actor: Account) -> GovernanceJob:
        """End a RUNNING job as FAILED because its lease expired.

        The outcome of the step that was due is unknown, so the job is never run again.

        Raises:
            JobImmutableError: the job has ended.
            InvalidJobTransitionError: the job has not started.
            LeaseNotOverError: the lease is not over.
        """
        job = history.job
        require_running(job)
        if not lease_has_expired(job, history.now):
            raise LeaseNotOverError("The job's lease is not over.")
        reason = f"{expiry_reason(job)}: {_left_at(history)}."
        return _end(history, end, JobStatus.FAILED, reason=reason, actor=actor)

    @staticmethod
    def get_job_progress(job_id: UUID) -> JobProgress:
        """Return the progress of a job; one query.

        Raises:
            NotFoundError: no such job.
        """
        return job_progress(job_id)


@retried
def _start(
    *,
    executor: Account,
    job_id: UUID | None = None,
    capabilities: Sequence[str] | None = None,
    step_types: Sequence[str] | None = None,
) -> tuple[GovernanceJob, str] | None:
    """Start the job, or the oldest one in scope; return it and its token, or None without one."""
    token = secrets.token_urlsafe(32)
    found = fetch_rows(
        _START,
        [
            job_id,
            executor.pk,
            actor_name(executor),
            lease_grace(),
            completion_grace(),
            token_hash(token),
            None if capabilities is None else list(capabilities),
            None if step_types is None else list(step_types),
        ],
    )
    if not found:
        return None
    job: GovernanceJob = _JOB.instance(found[0])
    job.started_by = executor
    mark_absent(job, "evidence", "audit")
    return job, token


@retried
def _record(
    job_id: UUID, token: str, reports: Sequence[StepReport], executor: Account
) -> list[RecordedResult]:
    state = read_job_state(job_id)
    require_own(state.job, executor)
    require_running(state.job)
    require_token(state.job, token)
    return record_reports(state, reports, executor=executor)


def _end(
    history: JobHistory, end: EndOfJob, target: JobStatus, *, reason: str, actor: Account
) -> GovernanceJob:
    """Write, in one call, snapshot, observations, evidence, the job's end and the last entry."""
    job, at = history.job, history.now
    before = JobStatus(job.status)
    snapshot = snapshot_of(job, SnapshotPhase.AFTER, end.health) if end.health else None
    getattr(job, f"to_{target.lower()}")(at=at, by=actor, reason=reason)
    job.updated_at = at
    evidence = AuditTrigger.seal_evidence(
        history, end, health_after=snapshot.reading if snapshot else None
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
    values = [
        job.contract_id,
        history.head.seq,
        job.pk,
        str(target),
        actor.pk,
        actor_name(actor),
        at,
        reason,
        snapshot.observed_at if snapshot else None,
        json.dumps(snapshot.reading) if snapshot else None,
        evidence.body,
        evidence.sha256,
        entries_as_json([entry]),
        json.dumps(end.observations or []),
    ]
    if settings.GOVSITE["AUDITOR"] == "inside":
        fetch_rows(_END_AND_AUDIT, [*values, job.pk])
    else:
        fetch_rows(_END, values)
    job.evidence = evidence
    mark_absent(job, "audit")
    return job


def _left_at(history: JobHistory) -> str:
    job = history.job
    if failed := history.failed:
        return f"step {failed.step_index} failed and nobody ended the job"
    if job.current_step_index == job.total_steps:
        return "every step was reported and nobody ended the job"
    return f"executor lost at step {job.current_step_index}, outcome unknown"
