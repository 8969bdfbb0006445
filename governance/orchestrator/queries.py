"""Questions about jobs; each name says what comes back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from governance.models import GovernanceJob
from governance.orchestrator.evidence import step_status
from governance.vocabulary.errors import NotFoundError
from governance.vocabulary.values import JobStatus


def jobs_past_deadline(at: datetime) -> QuerySet[GovernanceJob]:
    """Running jobs whose time is over, the most overdue first."""
    return GovernanceJob.objects.filter(status=JobStatus.RUNNING, deadline_at__lt=at).order_by(
        "deadline_at", "id"
    )


def scope_of_job(job_id: UUID) -> list[str]:
    """The capabilities that a job's contract is about. Raises NotFoundError."""
    names = (
        GovernanceJob.objects.filter(pk=job_id)
        .values_list("contract__affected_capabilities", flat=True)
        .first()
    )
    if names is None:
        raise NotFoundError(f"There is no job {job_id}.", code="job_not_found")
    return names


def steps_with_status(job: GovernanceJob) -> list[dict[str, Any]]:
    """Each step's record with its `status` and its `result` (a StepResult or None); two queries."""
    results = {result.step_index: result for result in job.results.all()}
    return [
        step.as_record()
        | {
            "status": step_status(job, step.step_index, results),
            "result": results.get(step.step_index),
        }
        for step in job.steps.all()
    ]
