"""Queries about verdicts, attempts and the evidence that waits for an audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from governance.authorities.audit.judgement import CONSEQUENCES, audit_summary
from governance.authorities.audit.verdicts import require_independent
from governance.db.clock import database_now
from governance.db.rows import fetch_rows
from governance.domain.errors import AuditorNotIndependentError, EvidenceNotSealedError
from governance.domain.people import Actor
from governance.domain.values import AuditVerdict
from governance.models.audit import AuditAttempt, AuditResolution, GovernanceAudit
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


def may_settle(job_id: UUID, person: Actor) -> bool:
    """Return whether the audit of a job waits for a decision that this person may make."""
    audit = verdict_on(job_id)
    if audit is None or audit.verdict != AuditVerdict.INCONCLUSIVE:
        return False
    if AuditResolution.objects.filter(audit=audit).exists():
        return False
    try:
        require_independent(AuditEvidence.objects.get(job_id=job_id).document, person)
    except AuditorNotIndependentError:
        return False
    return True


def audit_record(state: AuditState) -> dict[str, Any]:
    """Return the audit of a job as one record; without a verdict, it is PENDING."""
    audit, evidence = state.audit, state.evidence
    verdict = AuditVerdict(audit.verdict) if audit else AuditVerdict.PENDING
    seal_to_verdict = audit.recorded_at - evidence.collected_at if audit else None
    resolution = AuditResolution.objects.filter(audit=audit).first() if audit else None
    checks = audit.checks if audit else []
    return audit_summary(
        evidence.document,
        verdict=verdict,
        reason=audit.reason if audit else "",
        checks=checks,
        auditor_version=audit.auditor_version if audit else "",
    ) | {
        "audit_id": audit.pk if audit else None,
        "action": CONSEQUENCES.get(verdict, ""),
        "checks": checks,
        "evidence_sha256": evidence.sha256,
        "author": audit.author.get_username() if audit else None,
        "audited_at": audit.recorded_at if audit else None,
        "duration_ms": round(seal_to_verdict.total_seconds() * 1000) if seal_to_verdict else None,
        "attempts": state.attempts,
        "resolution": resolution,
    }


def enqueue_audit(job_id: UUID, *, due_at: datetime | None = None) -> None:
    """Enqueue the audit of a job, at a time of PostgreSQL's clock or as soon as possible."""
    fetch_rows("SELECT governance_enqueue_audit(%s, %s)", [job_id, due_at])


def enqueue_waiting_audits() -> int:
    """Enqueue the audits that have neither a verdict nor a task; return how many these were."""
    [(number,)] = fetch_rows("SELECT governance_enqueue_waiting_audits()")
    return int(number)
