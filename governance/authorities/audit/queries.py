"""Queries about verdicts."""

from __future__ import annotations

from uuid import UUID

from governance.models.audit import GovernanceAudit


def verdict_on(job_id: UUID) -> GovernanceAudit | None:
    """Return the verdict on a job; None if there is none."""
    return GovernanceAudit.objects.filter(job_id=job_id).first()
