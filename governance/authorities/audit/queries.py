"""Questions about verdicts; each name says what comes back."""

from __future__ import annotations

from uuid import UUID

from governance.models.audit import GovernanceAudit


def verdict_on(job_id: UUID) -> GovernanceAudit | None:
    """The verdict that a job has, if any."""
    return GovernanceAudit.objects.filter(job_id=job_id).first()
