"""The audit of a job: attempts without a conclusion, the verdict, and a person's final decision."""

from __future__ import annotations

from typing import Any

from django.db import models

from governance.domain.canonical import timestamp
from governance.domain.values import AuditVerdict
from governance.models.constraints import closed_set
from governance.models.fields import (
    ChoiceField,
    account_key,
    digest_field,
    job_key,
    one_to_one_field,
)

GIVEN_VERDICTS = [AuditVerdict.PASS, AuditVerdict.FAIL, AuditVerdict.INCONCLUSIVE]


class AuditAttempt(models.Model):
    """An attempt of the auditor whose findings are kept beside the verdict; append-only.

    The first attempt of a job is kept if it is INCONCLUSIVE. A later one also judges `observations`
    (records of `ObservedScope`) and `health` that were read for it after the seal, and is kept
    always. `asked_by` is the person who asked for an attempt after the verdict.
    """

    id = models.BigAutoField(primary_key=True)
    job = job_key(related_name="audit_attempts", db_index=False)
    number = models.PositiveIntegerField()
    verdict = ChoiceField(AuditVerdict)
    reason = models.TextField()
    checks = models.JSONField()
    observations = models.JSONField(default=list)
    health = models.JSONField(null=True)
    evidence_sha256 = digest_field()
    auditor_version = models.CharField(max_length=50)
    attempted_at = models.DateTimeField()
    asked_by = account_key(null=True)

    class Meta:
        # The permission to view an audit includes its attempts.
        default_permissions = ()
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="attempt_numbered_once"),
            closed_set("verdict", GIVEN_VERDICTS, name="attempt_verdict_given"),
        ]

    def __str__(self) -> str:
        return f"Attempt {self.number}: {self.verdict}"

    def as_record(self) -> dict[str, Any]:
        return {
            "job_id": str(self.job_id),
            "number": self.number,
            "verdict": str(self.verdict),
            "reason": self.reason,
            "checks": self.checks,
            "observations": self.observations,
            "health": self.health,
            "evidence_sha256": self.evidence_sha256,
            "auditor_version": self.auditor_version,
            "attempted_at": timestamp(self.attempted_at),
            "asked_by": self.asked_by_id,
        }


class GovernanceAudit(models.Model):
    """An auditor's verdict on the sealed evidence of a job; one per job, append-only (AUDIT).

    `auditor_version` is that of the auditor of this site, and empty for another author.
    """

    id = models.BigAutoField(primary_key=True)
    job = one_to_one_field("governance.GovernanceJob", related_name="audit")
    verdict = ChoiceField(AuditVerdict)
    reason = models.TextField()
    checks = models.JSONField(default=list)
    evidence_sha256 = digest_field()
    author = account_key()
    recorded_at = models.DateTimeField()
    auditor_version = models.CharField(max_length=50, blank=True, default="", db_default="")

    class Meta:
        default_permissions = ("view",)
        permissions = [("record_verdict", "Can give a verdict on a job")]
        constraints = [
            closed_set("verdict", GIVEN_VERDICTS, name="audit_verdict_given"),
        ]

    def __str__(self) -> str:
        return f"Audit {self.verdict}"

    def as_record(self) -> dict[str, Any]:
        """Return the record; a verdict without `auditor_version` has that of an earlier version."""
        version = {"auditor_version": self.auditor_version} if self.auditor_version else {}
        return version | {
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
