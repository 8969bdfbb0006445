"""Verdicts and resolutions: the only writer of `GovernanceAudit` and `AuditResolution`.

The participants are read from the sealed evidence, so the audit needs no other source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.domain.errors import (
    AuditNotFoundError,
    AuditorNotIndependentError,
    EvidenceMismatchError,
    EvidenceNotSealedError,
    InvalidVerdictError,
    VerdictConflictError,
    VerdictExistsError,
    VerdictFinalError,
)
from governance.domain.people import Actor
from governance.domain.strict_json import require_plain_json
from governance.domain.values import AuditVerdict
from governance.models.account import Account
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
    author: Account,
    at: datetime,
    auditor_version: str = "",
) -> GovernanceAudit:
    """Record the one verdict on a job, on exactly the evidence that `evidence_sha256` names.

    Args:
        auditor_version: that of the auditor of this site; empty for another author.

    Raises:
        InvalidVerdictError: an invalid verdict, reason or list of checks.
        EvidenceNotSealedError: the job has not ended.
        EvidenceMismatchError: the digest is not that of the sealed evidence.
        AuditorNotIndependentError: the author took part in the contract or its job.
        VerdictExistsError: the job has a verdict.
        VerdictConflictError: the job did not complete, so only FAIL is accepted.
    """
    if verdict not in GIVEN_VERDICTS:
        raise InvalidVerdictError.at("verdict", "must be PASS, FAIL or INCONCLUSIVE")
    _require_text(reason, "reason")
    require_plain_json(checks, "checks")
    evidence = AuditEvidence.objects.filter(job_id=job_id).first()
    if evidence is None:
        raise EvidenceNotSealedError
    if evidence_sha256 != evidence.sha256:
        raise EvidenceMismatchError("The verdict is on other evidence than the sealed evidence.")
    document = evidence.document
    require_independent(document, author)
    if GovernanceAudit.objects.filter(job_id=job_id).exists():
        raise VerdictExistsError("This job already has a verdict.")
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
        auditor_version=auditor_version,
    )


def write_resolution(
    *, job_id: UUID, verdict: AuditVerdict, reason: str, resolver: Account, at: datetime
) -> AuditResolution:
    """Record the one resolution of an INCONCLUSIVE audit; the audit's row does not change.

    Raises:
        InvalidVerdictError: an invalid verdict, or a reason of 10 characters or less.
        AuditNotFoundError: the job has no audit.
        VerdictFinalError: the audit is not INCONCLUSIVE, or has its resolution.
        AuditorNotIndependentError: the resolver took part in the contract or its job.
    """
    if verdict not in RESOLVING_VERDICTS:
        raise InvalidVerdictError.at("verdict", "must be PASS or FAIL")
    _require_text(reason, "reason", min_length=11)
    audit = GovernanceAudit.objects.filter(job_id=job_id).first()
    if audit is None:
        raise AuditNotFoundError("This job has no audit yet.")
    if audit.verdict != AuditVerdict.INCONCLUSIVE:
        raise VerdictFinalError(
            f"Only an INCONCLUSIVE audit can be resolved; this one is {audit.verdict}."
        )
    if AuditResolution.objects.filter(audit=audit).exists():
        raise VerdictFinalError("This audit is already resolved.")
    require_independent(AuditEvidence.objects.get(job_id=job_id).document, resolver)
    return AuditResolution.objects.create(
        audit=audit, verdict=verdict, reason=reason.strip(), resolved_by=resolver, resolved_at=at
    )


def require_independent(document: Mapping[str, Any], person: Actor) -> None:
    """Refuse a person who took part in a contract or its job.

    Raises:
        AuditorNotIndependentError: with what the person did.
    """
    took_part = document["participants"]
    involved = {
        "proposed the contract": [took_part["proposed_by"]],
        "approved the contract": [took_part["approved_by"]],
        # Evidence from before version 1.1.0 lists no signers.
        "signed the contract": took_part.get("signed_by", []),
        "activated the contract": [took_part["activated_by"]],
        "started the job": [took_part["started_by"]],
        "reported steps of the job": took_part["reported_by"],
        "ended the job": [took_part["ended_by"]],
    }
    for deed, people in involved.items():
        if person.pk in people:
            raise AuditorNotIndependentError(
                f"{person.get_username()} {deed}, and so cannot audit it."
            )


def _require_text(value: Any, path: str, *, min_length: int = 1) -> None:
    require_plain_json(value, path)
    if not isinstance(value, str) or not min_length <= len(value.strip()) <= MAX_REASON_LENGTH:
        raise InvalidVerdictError.at(
            path, f"must be text of {min_length} to {MAX_REASON_LENGTH} characters"
        )
