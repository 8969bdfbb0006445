"""Queries about verdicts, attempts and the evidence that waits for an audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from governance.db.clock import database_now
from governance.db.rows import fetch_rows
from governance.domain.errors import EvidenceNotSealedError
from governance.models.audit import AuditAttempt, GovernanceAudit
from governance.models.evidence import AuditEvidence


@dataclass(frozen=True, slots=True)
class AuditState:
    """How far the audit of a job is; `now` is PostgreSQL's time."""

    evidence: AuditEvidence
    audit: GovernanceAudit | None
    attempts: list[AuditAttempt]
    now: datetime

    def time_since_seal(self) -> timedelta:
        return self.now - self.evidence.collected_at


def verdict_on(job_id: UUID) -> GovernanceAudit | None:
    """Return the verdict on a job; None if there is none."""
    return GovernanceAudit.objects.filter(job_id=job_id).first()


def attempts_on(job_id: UUID) -> list[AuditAttempt]:
    """Return the attempts of the audit of a job that were kept, in order."""
    return list(AuditAttempt.objects.filter(job_id=job_id).select_related("asked_by"))


def audit_state_of(job_id: UUID) -> AuditState:
    """Return how far the audit of a job is.

    Raises:
        EvidenceNotSealedError: the job has not ended, or does not exist.
    """
    evidence = AuditEvidence.objects.filter(job_id=job_id).first()
    if evidence is None:
        raise EvidenceNotSealedError
    return AuditState(evidence, verdict_on(job_id), attempts_on(job_id), database_now())


def enqueue_audit(job_id: UUID, *, due_at: datetime | None = None) -> None:
    """Enqueue the audit of a job, at a time of PostgreSQL's clock or as soon as possible."""
    fetch_rows("SELECT governance_enqueue_audit(%s, %s)", [job_id, due_at])


def enqueue_waiting_audits() -> int:
    """Enqueue the audits that have neither a verdict nor a task; return how many these were."""
    [(number,)] = fetch_rows("SELECT governance_enqueue_waiting_audits()")
    return int(number)
