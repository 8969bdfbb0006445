"""Questions about jobs; each name says what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from governance.authorities.orchestrator.evidence import step_status
from governance.db.row_mapping import prepared_rows
from governance.domain.errors import NotFoundError
from governance.domain.values import JobProgress, JobStatus
from governance.models import AuditEvidence, GovernanceJob, JobStep
from governance.models.contract import within_token_scope
from governance.models.job import no_such_job

_SCOPE = """
    SELECT contract.affected_capabilities
      FROM governance_governancejob job
      JOIN governance_systemcontract contract ON contract.id = job.contract_id
     WHERE job.id = %s"""


def jobs_past_lease(at: datetime) -> QuerySet[GovernanceJob]:
    """Running jobs whose executor counts as lost, the most overdue first.

    A lease never outlasts the job's deadline, so this finds those past their deadline too.
    """
    return GovernanceJob.objects.filter(status=JobStatus.RUNNING, lease_expires_at__lt=at).order_by(
        "lease_expires_at", "id"
    )


def scope_of_job(job_id: UUID) -> list[str]:
    """The capabilities that a job's contract is about. Raises NotFoundError."""
    found = prepared_rows(_SCOPE, [job_id])
    if not found:
        raise no_such_job(job_id)
    names: list[str] = found[0][0]
    return names


def job_progress(job_id: UUID) -> JobProgress:
    """Where the job stands, in one query. Raises NotFoundError."""
    job = GovernanceJob.objects.with_failed_steps().filter(pk=job_id).first()
    if job is None:
        raise no_such_job(job_id)
    return JobProgress(
        job_id=str(job.pk),
        status=JobStatus(job.status),
        current_step=job.current_step_index,
        total_steps=job.total_steps,
        completed_steps=job.current_step_index - job.failed_steps,
        failed_steps=job.failed_steps,
    )


def jobs_are_pending(capabilities: Sequence[str] | None = None) -> bool:
    """Whether any job within their reach waits for an executor, locked by somebody or not."""
    return GovernanceJob.objects.filter(
        within_token_scope(capabilities, of="contract__"), status=JobStatus.PENDING
    ).exists()


def jobs_of_contracts(contract_ids: Iterable[UUID]) -> QuerySet[GovernanceJob]:
    """The jobs of these contracts: one at most of each."""
    return GovernanceJob.objects.filter(contract__in=contract_ids).order_by()


def sealed_evidence_of(job_id: UUID) -> AuditEvidence:
    """The evidence of a job that has ended. Raises NotFoundError (`evidence_not_sealed`)."""
    evidence = AuditEvidence.objects.filter(job_id=job_id).first()
    if evidence is None:
        scope_of_job(job_id)
        raise NotFoundError(
            "This job has no sealed evidence yet: it has not ended.", code="evidence_not_sealed"
        )
    return evidence


def steps_with_status(
    job: GovernanceJob, steps: Sequence[JobStep] | None = None
) -> list[dict[str, Any]]:
    """Each step's record with its `status` and its `result` (a StepResult or None); two queries.

    Of all steps of the job, or of `steps`, a run of neighbours in order.
    """
    if steps is None:
        steps = list(job.steps.all())
    reported = job.results.select_related("recorded_by")
    if steps:
        # Whether a step still runs depends on the one before it.
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
