"""The flows that end a job, each with the health of what its contract affects.

`JobStateTracker` claims and starts jobs and records reports without a flow, because these need no
other authority.
"""

from __future__ import annotations

from uuid import UUID

from governance.authorities.health.readings import capture_health_snapshot
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.job_state import JobHistory, read_job_history
from governance.db.transactions import retried
from governance.domain.values import HealthReading
from governance.models import Account, GovernanceJob


@retried
def complete_job(*, job_id: UUID, token: str, executor: Account) -> GovernanceJob:
    """Read health, then end the job as its results say.

    Raises:
        NotFoundError: no such job.
        GovernanceError: any error of `JobStateTracker.complete_job`.
    """
    history, health = _history_and_health(job_id)
    return GovernanceOrchestrator.complete_job(
        history, token=token, executor=executor, health=health
    )


@retried
def cancel_job(*, job_id: UUID, reason: str, actor: Account) -> GovernanceJob:
    """Read health, then end the job as CANCELLED.

    Raises:
        NotFoundError: no such job.
        GovernanceError: any error of `JobStateTracker.cancel_job`.
    """
    history, health = _history_and_health(job_id)
    return GovernanceOrchestrator.cancel_job(history, reason=reason, actor=actor, health=health)


@retried
def fail_timed_out_job(*, job_id: UUID, actor: Account) -> GovernanceJob:
    """Read health, then end a job whose lease expired as FAILED.

    Raises:
        NotFoundError: no such job.
        GovernanceError: any error of `JobStateTracker.fail_timed_out_job`.
    """
    history, health = _history_and_health(job_id)
    return GovernanceOrchestrator.fail_timed_out_job(history, actor=actor, health=health)


def _history_and_health(job_id: UUID) -> tuple[JobHistory, HealthReading | None]:
    history = read_job_history(job_id)
    return history, capture_health_snapshot(scopes=history.scopes, at=history.now)
