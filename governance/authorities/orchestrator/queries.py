"""Queries about jobs, their steps and their evidence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from governance.authorities.orchestrator.evidence import step_status
from governance.db.rows import fetch_rows
from governance.domain.canonical import load_json
from governance.domain.errors import EvidenceNotSealedError, JobNotFoundError
from governance.domain.values import ContractStatus, JobProgress, JobRunner, JobStatus, StepStatus
from governance.models import AuditEvidence, GovernanceJob, JobStep

_CHANGED_SINCE = """
    SELECT DISTINCT scope
      FROM governance_governancejob ended
      JOIN governance_systemcontract contract ON contract.id = ended.contract_id
      JOIN governance_governancejob later
           ON later.started_at >= ended.ended_at AND later.id <> ended.id
      JOIN governance_systemcontract other ON other.id = later.contract_id
      CROSS JOIN LATERAL unnest(other.affected_capabilities) AS scope
     WHERE ended.id = %s
       AND (scope = 'SYSTEM' OR scope = ANY (contract.affected_capabilities)
            OR 'SYSTEM' = ANY (contract.affected_capabilities))
     ORDER BY scope"""
_SCOPE = """
    SELECT contract.affected_capabilities
      FROM governance_governancejob job
      JOIN governance_systemcontract contract ON contract.id = job.contract_id
     WHERE job.id = %s"""

_OVERLAPPING = """
    SELECT contract.reference, running.capability
      FROM governance_overlapping_job(%s) running
      JOIN governance_governancejob job ON job.id = running.job
      JOIN governance_systemcontract contract ON contract.id = job.contract_id"""

# A claim has the same conditions: `start_job.sql`. The scope of what runs is read once.
_CLAIMABLE = """
    SELECT EXISTS (
        SELECT FROM governance_governancejob job
          JOIN governance_systemcontract contract ON contract.id = job.contract_id
         WHERE job.status = 'PENDING' AND job.run_by = 'client'
           AND (%s::varchar[] IS NULL
                OR contract.affected_capabilities && %s AND contract.affected_capabilities <@ %s)
           AND NOT governance_scopes_overlap(
               contract.affected_capabilities, (SELECT governance_running_scope())))"""


_TO_RUN = """
    SELECT job.status, job.run_by, job.contract_id, contract.affected_capabilities,
           contract.plan::text,
           EXTRACT(EPOCH FROM contract.window_closes_at - governance_now())::float,
           job.is_rollback
      FROM governance_governancejob job
      JOIN governance_systemcontract contract ON contract.id = job.contract_id
     WHERE job.id = %s"""


@dataclass(frozen=True, slots=True)
class JobToRun:
    """What a worker reads of a job before it decides whether to start it.

    `scopes` are the capabilities that it affects, `steps` the records of the plan, and
    `seconds_left` is the time until the activation window closes.
    """

    job_id: UUID
    status: JobStatus
    run_by: JobRunner
    contract_id: UUID
    scopes: list[str]
    steps: list[dict[str, Any]]
    seconds_left: float
    is_rollback: bool

    @property
    def waits_for_worker(self) -> bool:
        return self.status is JobStatus.PENDING and self.run_by is JobRunner.WORKER


def job_to_run(job_id: UUID) -> JobToRun:
    """Return what a worker must know of a job; one query.

    Raises:
        NotFoundError: no such job.
    """
    found = fetch_rows(_TO_RUN, [job_id])
    if not found:
        raise JobNotFoundError(job_id)
    status, run_by, contract_id, scopes, plan, seconds_left, is_rollback = found[0]
    return JobToRun(
        job_id=job_id,
        status=JobStatus(status),
        run_by=JobRunner(run_by),
        contract_id=contract_id,
        scopes=scopes,
        steps=load_json(plan),
        seconds_left=seconds_left,
        is_rollback=is_rollback,
    )


def scopes_changed_since(job_id: UUID) -> list[str]:
    """Return the scopes of a job that has ended which other jobs have begun to change since.

    A contract that affects SYSTEM shares every scope, and so SYSTEM is among them.
    """
    return [scope for (scope,) in fetch_rows(_CHANGED_SINCE, [job_id])]


def enqueue_waiting_runs() -> int:
    """Enqueue the jobs that wait for a worker and have no task; return how many these were."""
    [(number,)] = fetch_rows("SELECT governance_enqueue_waiting_runs()")
    return int(number)


def enqueue_run(job_id: UUID) -> None:
    """Enqueue the run of a job, unless its task waits already."""
    fetch_rows("SELECT governance_enqueue_run(%s)", [job_id])


def jobs_ended_within(
    days: int, at: datetime, among: QuerySet[GovernanceJob]
) -> QuerySet[GovernanceJob]:
    """Return the jobs of `among` that ended in the last `days` days."""
    return among.filter(
        status__in=[JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED],
        ended_at__gte=at - timedelta(days=days),
    )


def running_jobs() -> QuerySet[GovernanceJob]:
    """Return the RUNNING jobs with their contracts, the last created first."""
    return (
        GovernanceJob.objects.filter(status=JobStatus.RUNNING)
        .select_related("contract")
        .order_by("-created_at", "-id")
    )


def jobs_waiting_for_worker() -> QuerySet[GovernanceJob]:
    """Return the PENDING jobs that run by themselves with their contracts, the oldest first."""
    return (
        GovernanceJob.objects.filter(status=JobStatus.PENDING, run_by=JobRunner.WORKER)
        .select_related("contract")
        .order_by("created_at", "id")
    )


def stopped_jobs_since(since: datetime) -> QuerySet[GovernanceJob]:
    """Return the jobs that failed or were cancelled at `since` or later, the latest first.

    Only jobs of contracts that are still ACTIVE: a failed contract stands for its job.
    """
    return (
        GovernanceJob.objects.filter(
            status__in=[JobStatus.FAILED, JobStatus.CANCELLED],
            ended_at__gte=since,
            contract__status=ContractStatus.ACTIVE,
        )
        .select_related("contract")
        .order_by("-ended_at")
    )


def jobs_past_lease(at: datetime) -> QuerySet[GovernanceJob]:
    """Return the RUNNING jobs whose executor counts as lost, the most overdue first.

    A lease never outlasts the job's deadline, so jobs past their deadline are among them.
    """
    return GovernanceJob.objects.filter(status=JobStatus.RUNNING, lease_expires_at__lt=at).order_by(
        "lease_expires_at", "id"
    )


def open_jobs() -> QuerySet[GovernanceJob]:
    """Return the jobs that have not ended, in no order."""
    open_states = [JobStatus.PENDING, JobStatus.RUNNING]
    return GovernanceJob.objects.filter(status__in=open_states).order_by()


def scope_of_job(job_id: UUID) -> list[str]:
    """Return the affected capabilities of a job's contract.

    Raises:
        NotFoundError: no such job.
    """
    found = fetch_rows(_SCOPE, [job_id])
    if not found:
        raise JobNotFoundError(job_id)
    names: list[str] = found[0][0]
    return names


def running_scope() -> set[str]:
    """Return the affected capabilities of all RUNNING jobs together."""
    [[names]] = fetch_rows("SELECT governance_running_scope()")
    return set(names)


def job_progress(job_id: UUID) -> JobProgress:
    """Return the progress of a job; one query.

    Raises:
        NotFoundError: no such job.
    """
    job: Any = GovernanceJob.objects.with_failed_steps().filter(pk=job_id).first()
    if job is None:
        raise JobNotFoundError(job_id)
    return JobProgress(
        job_id=str(job.pk),
        status=JobStatus(job.status),
        current_step=job.current_step_index,
        total_steps=job.total_steps,
        completed_steps=job.current_step_index - job.failed_steps,
        failed_steps=job.failed_steps,
    )


def jobs_are_claimable(capabilities: Sequence[str] | None = None) -> bool:
    """Return whether a job waits for a claim, locked or not, on a scope in which no job runs.

    Args:
        capabilities: the token scope; only jobs within it count. None is no limit.
    """
    scope = None if capabilities is None else list(capabilities)
    [(found,)] = fetch_rows(_CLAIMABLE, [scope, scope, scope])
    return bool(found)


def overlapping_job(scopes: Collection[str]) -> tuple[str, str] | None:
    """Return the RUNNING job for whose end a job that affects `scopes` has to wait; one query.

    Returns:
        The reference of its contract, and the capability that both affect; `SYSTEM` if one of them
        affects the whole platform. None if nothing keeps the job from starting.
    """
    found = fetch_rows(_OVERLAPPING, [list(scopes)])
    return (found[0][0], found[0][1]) if found else None


def sealed_evidence_of(job_id: UUID) -> AuditEvidence:
    """Return the evidence of a job that has ended.

    Raises:
        JobNotFoundError: no such job.
        EvidenceNotSealedError: the job has not ended.
    """
    evidence = AuditEvidence.objects.filter(job_id=job_id).first()
    if evidence is None:
        scope_of_job(job_id)
        raise EvidenceNotSealedError
    return evidence


def failed_step_of(job: GovernanceJob) -> int | None:
    """Return the index of the step that was reported as FAILED, or None; one query."""
    failed = job.results.filter(status=StepStatus.FAILED)
    return failed.values_list("step_index", flat=True).first()


def steps_with_status(
    job: GovernanceJob, steps: Sequence[JobStep] | None = None
) -> list[dict[str, Any]]:
    """Return the records of steps, each with `status` and `result` (a StepResult or None).

    Two queries, or one if `steps` is given.

    Args:
        steps: consecutive steps of the job in order; None is all of them.
    """
    if steps is None:
        steps = list(job.steps.all())
    reported = job.results.select_related("recorded_by")
    if steps:
        # The status of the first step depends on the result of the step before it.
        first, last = steps[0].step_index - 1, steps[-1].step_index
        reported = reported.filter(step_index__range=(first, last))
    results = {result.step_index: result for result in reported}
    return [
        step.as_record()
        | {
            "status": step_status(job, step.step_index, results),
            "result": results.get(step.step_index),
        }
        for step in steps
    ]
