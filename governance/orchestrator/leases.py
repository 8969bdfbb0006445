"""Leases: how long an executor may be silent before it counts as lost.

Claiming and starting a job give a lease, each step's report renews it, and nothing else does. No
heartbeat is needed: a step that outlives its timeout is lost anyway. All times are the
application's, handed down as `at`; the grace covers what clocks and networks are late.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from governance.models import GovernanceJob
from governance.vocabulary.canonical import timestamp
from governance.vocabulary.errors import LeaseLapsedError

# Whoever has reported every step may still end the job, however small the grace is.
SHORTEST_TO_END = timedelta(seconds=60)


def lease_until(job: GovernanceJob, *, at: datetime, timeout_seconds: int | None) -> datetime:
    """When a lease lapses that `job` is given, or that is renewed, at `at`.

    The step that is due may take its `timeout_seconds` of the frozen plan, and the grace
    (`LEASE_GRACE_SECONDS`) comes on top. When no step is due any more (None), because all are
    reported or one failed, the lease is the grace alone, yet at least SHORTEST_TO_END. It never
    outlasts the job's deadline. PostgreSQL reckons likewise (`claim_job.sql`, `report_step.sql`).
    """
    if job.deadline_at is None:
        raise ValueError("A job that was never started has no lease.")
    if timeout_seconds is None:
        length = time_to_end()
    else:
        length = timedelta(seconds=timeout_seconds) + lease_grace()
    return min(at + length, job.deadline_at)


def lease_grace() -> timedelta:
    """How much longer than its step's timeout an executor may be silent."""
    return timedelta(seconds=settings.GOVERNANCE["LEASE_GRACE_SECONDS"])


def time_to_end() -> timedelta:
    """How long an executor may be silent that has no step left to report."""
    return max(lease_grace(), SHORTEST_TO_END)


def has_lapsed(job: GovernanceJob, at: datetime) -> bool:
    """Whether a running job's lease is over; its last moment still belongs to it."""
    return job.lease_expires_at is not None and at > job.lease_expires_at


def require_lease(job: GovernanceJob, at: datetime) -> None:
    """Refuse whoever comes after the lease, whether or not a sweep has ended the job yet."""
    if has_lapsed(job, at):
        lapsed_at = timestamp(job.lease_expires_at)
        raise LeaseLapsedError(
            f"The lease lapsed at {lapsed_at}; the executor counts as lost.",
            details={"lease_expires_at": lapsed_at},
        )
