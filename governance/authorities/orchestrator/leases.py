"""Leases: how long an executor may be silent before it counts as lost.

Claiming and starting a job give a lease, each step's report renews it, and nothing else does. No
heartbeat is needed: a step that outlives its timeout is lost anyway. All times are the
application's, handed down as `at`; the grace covers what clocks and networks are late.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from governance.domain.canonical import timestamp
from governance.domain.errors import LeaseExpiredError
from governance.models import GovernanceJob

# Whoever has reported every step may still end the job, however small the grace is.
MIN_COMPLETION_GRACE = timedelta(seconds=60)


def lease_expiry(job: GovernanceJob, *, at: datetime, timeout_seconds: int | None) -> datetime:
    """When a lease lapses that `job` is given, or that is renewed, at `at`.

    The step that is due may take its `timeout_seconds` of the frozen plan, and the grace
    (`GOVSITE_LEASE_GRACE_SECONDS`) comes on top. When no step is due any more (None), because all
    are reported or one failed, the lease is the grace alone, at least MIN_COMPLETION_GRACE. It
    never outlasts the job's deadline. PostgreSQL reckons likewise (`claim_job.sql`,
    `report_step.sql`).
    """
    if job.deadline_at is None:
        raise ValueError("A job that was never started has no lease.")
    if timeout_seconds is None:
        length = completion_grace()
    else:
        length = timedelta(seconds=timeout_seconds) + lease_grace()
    return min(at + length, job.deadline_at)


def lease_grace() -> timedelta:
    """How much longer than its step's timeout an executor may be silent."""
    return timedelta(seconds=settings.GOVSITE["LEASE_GRACE_SECONDS"])


def completion_grace() -> timedelta:
    """How long an executor may be silent that has no step left to report."""
    return max(lease_grace(), MIN_COMPLETION_GRACE)


def lease_has_expired(job: GovernanceJob, at: datetime) -> bool:
    """Whether a running job's lease is over; its last moment still belongs to it."""
    return job.lease_expires_at is not None and at > job.lease_expires_at


def require_lease(job: GovernanceJob, at: datetime) -> None:
    """Refuse whoever comes after the lease, whether or not a sweep has ended the job yet."""
    if lease_has_expired(job, at):
        expired_at = timestamp(job.lease_expires_at)
        raise LeaseExpiredError(
            f"The lease lapsed at {expired_at}; the executor counts as lost.",
            details={"lease_expires_at": expired_at},
        )
