"""Write verdicts: the only writer of `GovernanceAudit` and `AuditResolution`.

Who took part is read from the sealed evidence, so that the auditor needs no other source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.domain.canonical import require_plain_json
from governance.domain.errors import (
    AuditorNotIndependentError,
    EvidenceMismatchError,
    InvalidVerdictError,
    NotFoundError,
    VerdictConflictError,
)
from governance.domain.values import AuditVerdict
from governance.models.audit import AuditResolution, GovernanceAudit
from governance.models.evidence import AuditEvidence

GIVEN_VERDICTS = (AuditVerdict.PASS, AuditVerdict.FAIL, AuditVerdict.INCONCLUSIVE)
RESOLVING_VERDICTS = (AuditVerdict.PASS, AuditVerdict.FAIL)
MAX_REASON_LENGTH = 4000


def write_verdict(
    *,
    job_id: UUID,
    verdict: AuditVerdict,
    reason: str,
    checks: Sequence[Mapping[str, Any]],
    evidence_sha256: str,
    author: Any,
    at: datetime,
) -> GovernanceAudit:
    """Record the verdict on exactly the evidence named; once for each job.

    Raises NotFoundError (`evidence_not_sealed`) before the job has ended, EvidenceMismatchError
    for another digest, VerdictConflictError for a second verdict or for anything but FAIL on a
    job that did not complete, AuditorNotIndependentError for a participant.
    """
    if verdict not in GIVEN_VERDICTS:
        raise InvalidVerdictError.at("verdict", "must be PASS, FAIL or INCONCLUSIVE")
    _require_text(reason, "reason")
    require_plain_json(checks, "checks")
    evidence = AuditEvidence.objects.filter(job_id=job_id).first()
    if evidence is None:
        raise NotFoundError(
            "This job has no sealed evidence yet: it has not ended.", code="evidence_not_sealed"
        )
    if evidence_sha256 != evidence.sha256:
        raise EvidenceMismatchError("The verdict is on other evidence than what was sealed.")
    document = evidence.document
    _require_independent(document, author)
    if GovernanceAudit.objects.filter(job_id=job_id).exists():
        raise VerdictConflictError("This job has its verdict already.", code="verdict_exists")
    if document["job_status"] != "COMPLETED" and verdict is not AuditVerdict.FAIL:
        raise VerdictConflictError(f"A job that is {document['job_status']} accepts only FAIL.")
    return GovernanceAudit.objects.create(
        job_id=job_id,
        verdict=verdict,
        reason=reason.strip(),
        checks=[dict(check) for check in checks],
        evidence_sha256=evidence.sha256,
        author=author,
        recorded_at=at,
    )


def write_resolution(
    *, job_id: UUID, verdict: AuditVerdict, reason: str, resolver: Any, at: datetime
) -> AuditResolution:
    """Settle an INCONCLUSIVE audit, once; the audit itself stays as it was.

    Who took part in the contract cannot settle its audit either. FAIL is never turned: anything
    but INCONCLUSIVE refuses with VerdictConflictError.
    """
    if verdict not in RESOLVING_VERDICTS:
        raise InvalidVerdictError.at("verdict", "a person settles an audit as PASS or FAIL")
    _require_text(reason, "reason", min_length=11)
    audit = GovernanceAudit.objects.filter(job_id=job_id).first()
    if audit is None:
        raise NotFoundError("This job has no audit yet.", code="audit_not_found")
    if audit.verdict != AuditVerdict.INCONCLUSIVE:
        raise VerdictConflictError(
            f"Only an INCONCLUSIVE audit is settled; this one is {audit.verdict}.",
            code="verdict_final",
        )
    if AuditResolution.objects.filter(audit=audit).exists():
        raise VerdictConflictError("This audit is settled already.", code="verdict_final")
    _require_independent(AuditEvidence.objects.get(job_id=job_id).document, resolver)
    return AuditResolution.objects.create(
        audit=audit, verdict=verdict, reason=reason.strip(), resolved_by=resolver, resolved_at=at
    )


def _require_independent(document: Mapping[str, Any], person: Any) -> None:
    took_part = document["participants"]
    involved = {
        "proposed it": [took_part["proposed_by"]],
        "approved it": [took_part["approved_by"]],
        # Evidence sealed before signatures were kept names none.
        "signed it": took_part.get("signed_by", []),
        "started it": [took_part["started_by"]],
        "reported on it": took_part["reported_by"],
        "ended it": [took_part["ended_by"]],
    }
    for deed, people in involved.items():
        if person.pk in people:
            raise AuditorNotIndependentError(f"{person.get_username()} {deed}.")


def _require_text(value: Any, path: str, *, min_length: int = 1) -> None:
    require_plain_json(value, path)
    if not isinstance(value, str) or not min_length <= len(value.strip()) <= MAX_REASON_LENGTH:
        raise InvalidVerdictError.at(
            path, f"must be text of {min_length} to {MAX_REASON_LENGTH} characters"
        )
