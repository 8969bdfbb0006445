"""The steps of a contract's job that were completed, from which its rollback is made."""

from __future__ import annotations

from uuid import UUID

from governance.domain.rollbacks import CompletedStep
from governance.domain.values import StepStatus
from governance.models import JobStep, StepResult


def completed_steps_of(contract_id: UUID) -> tuple[UUID | None, list[CompletedStep]]:
    """Return the id of a contract's job and its completed steps in order; two queries.

    The id is None if no step was completed.
    """
    results = StepResult.objects.filter(
        job__contract=contract_id, status=StepStatus.COMPLETED
    ).values_list("job_id", "step_index")
    found = list(results)
    if not found:
        return None, []
    job_id = found[0][0]
    steps = JobStep.objects.filter(job=job_id, step_index__in=[index for _, index in found])
    rows = steps.order_by("step_index").values_list("change", "rollback_action")
    return job_id, [CompletedStep(*row) for row in rows]
