"""The response serializers of audits: the verdict with its checks, attempts and resolution."""

from __future__ import annotations

from rest_framework import serializers

from governance.api.request_bodies import GIVEN_VERDICTS
from governance.api.serializers.contracts import optional_person, person
from governance.api.serializers.jobs import as_strings
from governance.api.sparse_fields import ResponseSerializer, RowSerializer, UtcDateTimeField
from governance.domain.values import AuditVerdict, ContractStatus
from governance.models import AuditAttempt, AuditResolution, GovernanceAudit

RESOLVING_VERDICTS = (AuditVerdict.PASS, AuditVerdict.FAIL)


class AuditInListSerializer(RowSerializer[GovernanceAudit]):
    """A verdict as lists show it; its checks are read by the job."""

    job_id = serializers.UUIDField()
    contract_id = serializers.UUIDField(source="job.contract_id")
    contract_status = serializers.ChoiceField(
        as_strings(ContractStatus),
        source="job.contract.status",
        help_text="ACTIVE after INCONCLUSIVE: a person of the Auditor group has to decide.",
    )
    verdict = serializers.ChoiceField(as_strings(GIVEN_VERDICTS))
    author = person("author")

    class Meta:
        model = GovernanceAudit
        fields: tuple[str, ...] = (
            "id",
            "job_id",
            "contract_id",
            "contract_status",
            "verdict",
            "reason",
            "author",
            "auditor_version",
            "recorded_at",
        )


class AuditAttemptSerializer(RowSerializer[AuditAttempt]):
    """An attempt of the site's own auditor that was kept beside the verdict."""

    verdict = serializers.ChoiceField(as_strings(GIVEN_VERDICTS))
    checks = serializers.ListField(child=serializers.DictField())
    observations = serializers.ListField(
        child=serializers.DictField(),
        help_text="What was observed for this attempt, after the evidence was sealed.",
    )
    health = serializers.DictField(
        allow_null=True, help_text="The health that was read for this attempt; null if it was not."
    )
    asked_by = optional_person("asked_by")

    class Meta:
        model = AuditAttempt
        fields: tuple[str, ...] = (
            "number",
            "verdict",
            "reason",
            "checks",
            "observations",
            "health",
            "auditor_version",
            "attempted_at",
            "asked_by",
        )


class AuditResolutionSerializer(RowSerializer[AuditResolution]):
    """A person's decision after INCONCLUSIVE."""

    verdict = serializers.ChoiceField(as_strings(RESOLVING_VERDICTS))
    resolved_by = person("resolved_by")

    class Meta:
        model = AuditResolution
        fields: tuple[str, ...] = ("verdict", "reason", "resolved_by", "resolved_at")


class JobAuditSerializer(ResponseSerializer):
    """The audit of a job: its verdict, the evidence summed up, the attempts, the resolution."""

    audit_id = serializers.IntegerField(allow_null=True)
    job_id = serializers.UUIDField()
    contract_id = serializers.UUIDField()
    verdict = serializers.ChoiceField(
        as_strings(AuditVerdict), help_text="PENDING until there is a verdict."
    )
    verdict_reason = serializers.CharField()
    action = serializers.CharField(
        help_text="What follows: `rollout`, `rollback`, or `escalate`; empty while PENDING."
    )
    checks = serializers.ListField(child=serializers.DictField())
    checks_performed = serializers.IntegerField()
    checks_passed = serializers.IntegerField()
    checks_failed = serializers.IntegerField()
    checks_inconclusive = serializers.IntegerField()
    evidence = serializers.DictField(help_text="The evidence that was judged, summed up.")
    evidence_sha256 = serializers.CharField()
    health_snapshot_before = serializers.DictField(allow_null=True)
    health_snapshot_after = serializers.DictField(allow_null=True)
    author = serializers.CharField(allow_null=True)
    auditor_version = serializers.CharField()
    audited_at = UtcDateTimeField(allow_null=True)
    duration_ms = serializers.IntegerField(
        allow_null=True, help_text="From the seal of the evidence to the verdict."
    )
    attempts = AuditAttemptSerializer(many=True)
    resolution = AuditResolutionSerializer(allow_null=True)
