"""GovernanceAudit and AuditResolution: the verdict on a job, and a person's final decision."""

from __future__ import annotations

from typing import Any

from django.db import models

from governance.domain.canonical import timestamp
from governance.domain.values import AuditVerdict
from governance.models.constraints import closed_set
from governance.models.fields import ChoiceField, account_key, digest_field, one_to_one_field


class GovernanceAudit(models.Model):
    """An auditor's verdict on the sealed evidence of a job; one per job, append-only (AUDIT)."""

    id = models.BigAutoField(primary_key=True)
    job = one_to_one_field("governance.GovernanceJob", related_name="audit")
    verdict = ChoiceField(AuditVerdict)
    reason = models.TextField()
    checks = models.JSONField(default=list)
    evidence_sha256 = digest_field()
    author = account_key()
    recorded_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        permissions = [("record_verdict", "Can give a verdict on a job")]
        constraints = [
            closed_set(
                "verdict",
                [AuditVerdict.PASS, AuditVerdict.FAIL, AuditVerdict.INCONCLUSIVE],
                name="audit_verdict_given",
            )
        ]

    def __str__(self) -> str:
        return f"Audit {self.verdict}"

    def as_record(self) -> dict[str, Any]:
        return {
            "job_id": str(self.job_id),
            "verdict": str(self.verdict),
            "reason": self.reason,
            "checks": self.checks,
            "evidence_sha256": self.evidence_sha256,
            "author": self.author_id,
            "recorded_at": timestamp(self.recorded_at),
        }


class AuditResolution(models.Model):
    """A person's PASS or FAIL after an INCONCLUSIVE verdict; one per audit, append-only.

    The verdict of the audit itself does not change.
    """

    id = models.BigAutoField(primary_key=True)
    audit = one_to_one_field(GovernanceAudit, related_name="resolution")
    verdict = ChoiceField(AuditVerdict)
    reason = models.TextField()
    resolved_by = account_key()
    resolved_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        constraints = [
            closed_set(
                "verdict", [AuditVerdict.PASS, AuditVerdict.FAIL], name="resolution_pass_or_fail"
            )
        ]

    def __str__(self) -> str:
        return f"Resolved {self.verdict}"

    def as_record(self) -> dict[str, Any]:
        return {
            "audit_id": self.audit_id,
            "verdict": str(self.verdict),
            "reason": self.reason,
            "resolved_by": self.resolved_by_id,
            "resolved_at": timestamp(self.resolved_at),
        }
