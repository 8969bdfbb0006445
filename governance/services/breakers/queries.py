"""The circuit breakers, and which of their jobs run."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from governance.domain.breaker import BreakerState
from governance.domain.values import JobStatus
from governance.models import GovernanceJob, HandlerBreaker


def open_breakers() -> list[HandlerBreaker]:
    """Return the breakers that are OPEN, by handler; their handlers get no job."""
    return list(HandlerBreaker.objects.filter(state=BreakerState.OPEN))


def jobs_still_running(breakers: Iterable[HandlerBreaker]) -> set[UUID]:
    """Return which of the jobs in flight are still RUNNING, in at most one query.

    A job whose worker was killed is RUNNING, and counts, until its lease has ended.
    """
    in_flight = {job_id for breaker in breakers for job_id in breaker.jobs_in_flight}
    if not in_flight:
        return set()
    running = GovernanceJob.objects.filter(pk__in=in_flight, status=JobStatus.RUNNING)
    return set(running.values_list("pk", flat=True))
