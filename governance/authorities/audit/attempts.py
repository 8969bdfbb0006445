"""Attempts of an audit without a conclusion: the only writer of `AuditAttempt`."""

from __future__ import annotations

from datetime import datetime

from governance.authorities.audit.judgement import AUDITOR_VERSION, Judgement
from governance.authorities.audit.sealed_job import LaterReading
from governance.authorities.audit.verdicts import require_independent
from governance.domain.errors import AttemptConflictError
from governance.domain.values import AuditVerdict
from governance.models.account import Account
from governance.models.audit import AuditAttempt, AuditResolution, GovernanceAudit
from governance.models.evidence import AuditEvidence


def write_attempt(
    *,
    evidence: AuditEvidence,
    number: int,
    judgement: Judgement,
    at: datetime,
    later: LaterReading | None = None,
    asked_by: Account | None = None,
) -> AuditAttempt:
    """Record an attempt of the audit of a job, whose contract the caller has locked.

    Args:
        later: what was read for this attempt, after the evidence was sealed.
        asked_by: the person who asked for it, after an INCONCLUSIVE verdict.

    Raises:
        AttemptConflictError: another attempt has the number, or none may be made now.
        AuditorNotIndependentError: the person took part in the contract or its job.
    """
    if AuditAttempt.objects.filter(job_id=evidence.job_id).count() + 1 != number:
        raise AttemptConflictError("Another attempt of this audit was made meanwhile.")
    audit = GovernanceAudit.objects.filter(job_id=evidence.job_id).first()
    if asked_by is None and audit is not None:
        raise AttemptConflictError("This job already has a verdict.")
    if asked_by is not None:
        _require_unresolved(audit)
        require_independent(evidence.document, asked_by)
    return AuditAttempt.objects.create(
        job_id=evidence.job_id,
        number=number,
        verdict=judgement.verdict,
        reason=judgement.reason,
        checks=judgement.checks_as_documents(),
        observations=[dict(one) for one in later.observations] if later else [],
        health=dict(later.health) if later and later.health else None,
        evidence_sha256=evidence.sha256,
        auditor_version=AUDITOR_VERSION,
        attempted_at=at,
        asked_by=asked_by,
    )


def _require_unresolved(audit: GovernanceAudit | None) -> None:
    if audit is None or audit.verdict != AuditVerdict.INCONCLUSIVE:
        verdict = "has no verdict yet" if audit is None else f"is {audit.verdict}"
        raise AttemptConflictError(
            f"Only after an INCONCLUSIVE verdict another attempt is made; this audit {verdict}."
        )
    if AuditResolution.objects.filter(audit=audit).exists():
        raise AttemptConflictError("This audit is already resolved.")
