"""The flows of a job: claim, start, report, complete, cancel and time out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from random import random
from time import sleep
from typing import Any
from uuid import UUID

from governance.authorities.health.readings import capture_health_snapshot
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.queries import jobs_are_pending, scope_of_job
from governance.domain.values import HealthReading, StepReport
from governance.models import GovernanceJob, StepResult
from governance.services.freezes.guards import freeze_error_details
from governance.services.freezes.queries import active_freeze

CLAIM_ATTEMPTS = 5
MAX_CLAIM_PAUSE_SECONDS = 0.05


def claim_job(
    *, executor: Any, at: datetime, capabilities: Sequence[str] | None = None
) -> tuple[GovernanceJob, str] | None:
    """Start the oldest PENDING job; return it and its execution token, or None if none waits.

    A claim skips jobs that concurrent claims have locked, so it can return nothing although jobs
    wait. Then it is repeated, at most `CLAIM_ATTEMPTS` times in all.

    Args:
        capabilities: the token scope; only jobs of contracts that affect nothing else are
            considered. None is no limit.

    Raises:
        ChangeFreezeActiveError: a change freeze is active.
    """
    for attempt in range(CLAIM_ATTEMPTS):
        if attempt:
            sleep(MAX_CLAIM_PAUSE_SECONDS * random())  # noqa: S311 - spreads claims, keeps no secret
        with freeze_error_details(at):
            claimed = GovernanceOrchestrator.claim_job(
                executor=executor, at=at, capabilities=capabilities
            )
        if claimed or not jobs_are_pending(capabilities):
            return claimed
    return None


def start_job(*, job_id: UUID, executor: Any, at: datetime) -> tuple[GovernanceJob, str]:
    """Start a PENDING job; return it and its execution token.

    Raises:
        GovernanceError: any error of `JobStateTracker.start_job`, such as
            ChangeFreezeActiveError.
    """
    with freeze_error_details(at):
        return GovernanceOrchestrator.start_job(
            job_id, executor=executor, at=at, freeze=active_freeze(at)
        )


def record_step_result(
    *, job_id: UUID, token: str, report: StepReport, executor: Any, at: datetime
) -> tuple[StepResult, bool]:
    """Record the report of a step; return its result and whether it is new."""
    return GovernanceOrchestrator.record_step_result(
        job_id, token=token, report=report, executor=executor, at=at
    )


def record_step_results(
    *, job_id: UUID, token: str, reports: Sequence[StepReport], executor: Any, at: datetime
) -> list[tuple[StepResult, bool]]:
    """Record several reports in order, all or none; return (result, whether it is new) of each."""
    return GovernanceOrchestrator.record_step_results(
        job_id, token=token, reports=reports, executor=executor, at=at
    )


def complete_job(*, job_id: UUID, token: str, executor: Any, at: datetime) -> GovernanceJob:
    """Read health, then end the job as its results say."""
    return GovernanceOrchestrator.complete_job(
        job_id, token=token, executor=executor, health=_health_around(job_id, at), at=at
    )


def cancel_job(*, job_id: UUID, reason: str, actor: Any, at: datetime) -> GovernanceJob:
    """Read health, then end the job as CANCELLED."""
    return GovernanceOrchestrator.cancel_job(
        job_id, reason=reason, actor=actor, health=_health_around(job_id, at), at=at
    )


def fail_timed_out_job(*, job_id: UUID, actor: Any, at: datetime) -> GovernanceJob:
    """Read health, then end a job whose lease expired as FAILED."""
    return GovernanceOrchestrator.fail_timed_out_job(
        job_id, actor=actor, health=_health_around(job_id, at), at=at
    )


def _health_around(job_id: UUID, at: datetime) -> HealthReading | None:
    return capture_health_snapshot(scopes=scope_of_job(job_id), at=at)
