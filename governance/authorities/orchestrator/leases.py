"""Leases: how long an executor may send no report before it counts as lost.

A start gives a lease, each step report renews it, and nothing else does (`lease_end.sql`). No
heartbeat is needed, because a step that exceeds its timeout counts as lost anyway. The grace allows
for slow networks.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from governance.domain.canonical import timestamp
from governance.domain.errors import LeaseExpiredError
from governance.domain.values import JobStatus
from governance.models import GovernanceJob

# An executor that has reported every step needs time to end the job, however small the grace is.
MIN_COMPLETION_GRACE = timedelta(seconds=60)


# How the reason of a job begins that ended by its lease; no other reason of a failure does.
_TIMED_OUT, _LEASE_LAPSED = "Timed out after", "The lease lapsed at"


def lease_grace() -> timedelta:
    """Return how long after a step's timeout its report is still accepted."""
    return timedelta(seconds=settings.GOVSITE["LEASE_GRACE_SECONDS"])


def completion_grace() -> timedelta:
    """Return how long an executor without a step left to report has to end the job."""
    return max(lease_grace(), MIN_COMPLETION_GRACE)


def lease_has_expired(job: GovernanceJob, at: datetime) -> bool:
    """Return whether a running job's lease is over at `at`; its last moment is part of it."""
    return job.lease_expires_at is not None and at > job.lease_expires_at


def expiry_reason(job: GovernanceJob) -> str:
    """Return why a job whose lease is over ends: its whole time is over, or only that of a step."""
    if job.lease_expires_at == job.deadline_at:
        return f"{_TIMED_OUT} {job.timeout_minutes} minutes"
    return f"{_LEASE_LAPSED} {timestamp(job.lease_expires_at)}"


def ended_by_lease(job: GovernanceJob) -> bool:
    """Return whether a job is FAILED because its lease was over."""
    begins = job.end_reason.startswith((_TIMED_OUT, _LEASE_LAPSED))
    return job.status == JobStatus.FAILED and begins


def require_lease(job: GovernanceJob, at: datetime) -> None:
    """Refuse a report or a completion after the lease, even if no sweep has ended the job yet.

    Raises:
        LeaseExpiredError: with `lease_expires_at` in its details.
    """
    if lease_has_expired(job, at):
        expired_at = timestamp(job.lease_expires_at)
        raise LeaseExpiredError(
            f"The lease expired at {expired_at}; the executor counts as lost.",
            details={"lease_expires_at": expired_at},
        )
