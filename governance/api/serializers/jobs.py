"""Response serializers of jobs, their steps, their evidence and their verdicts."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.api.fields import JsonValueField
from governance.api.request_bodies import GIVEN_VERDICTS, REPORTED_STATUSES
from governance.api.schema import ProblemSerializer
from governance.api.serializers.contracts import (
    ContractSerializer,
    PlannedStepSerializer,
    optional_person,
    person,
)
from governance.api.sparse_fields import ResponseSerializer, RowSerializer, UtcDateTimeField
from governance.domain.values import ContractStatus, JobRunner, JobStatus, StepStatus
from governance.models import GovernanceAudit, GovernanceJob, StepResult


def as_strings(values: Any) -> list[str]:
    return [str(value) for value in values]


def _records(**options: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.DictField(), allow_null=True, **options)


def lease(source: str | None = None) -> UtcDateTimeField:
    return UtcDateTimeField(
        source=source,
        allow_null=True,
        help_text=(
            "When the job's lease ends: without a report by then, the executor counts as lost. "
            "Each report renews the lease. Null unless the job is RUNNING."
        ),
    )


class JobSummarySerializer(RowSerializer[GovernanceJob]):
    """A job as lists show it."""

    contract_id = serializers.UUIDField()
    run_by = serializers.ChoiceField(
        as_strings(JobRunner),
        help_text="`worker`: the job runs by itself, and no claim gets it. `client`: it is left to "
        "executors.",
    )
    is_rollback = serializers.BooleanField(
        help_text="Whether the job undoes a contract that failed; health holds no rollback back."
    )
    lease_expires_at = lease()

    class Meta:
        model = GovernanceJob
        fields: tuple[str, ...] = (
            "id",
            "contract_id",
            "status",
            "total_steps",
            "current_step_index",
            "timeout_minutes",
            "run_by",
            "is_rollback",
            "created_at",
            "updated_at",
            "started_at",
            "deadline_at",
            "lease_expires_at",
            "ended_at",
        )


class AuditSerializer(RowSerializer[GovernanceAudit]):
    """The verdict on a job, which is final."""

    job_id = serializers.UUIDField()
    verdict = serializers.ChoiceField(as_strings(GIVEN_VERDICTS))
    checks = serializers.ListField(child=serializers.DictField())
    author = person("author")

    class Meta:
        model = GovernanceAudit
        fields: tuple[str, ...] = (
            "job_id",
            "verdict",
            "reason",
            "checks",
            "evidence_sha256",
            "author",
            "recorded_at",
        )


class RecordedAuditSerializer(AuditSerializer):
    """The recorded verdict, and the contract's status after it."""

    contract_status = serializers.ChoiceField(
        as_strings(ContractStatus), source="job.contract.status"
    )


class JobSerializer(JobSummarySerializer):
    """A job with all its fields; its steps have a URL of their own."""

    created_by = person("created_by")
    started_by = optional_person("started_by")
    ended_by = optional_person("ended_by")
    evidence_sha256 = serializers.CharField(
        source="evidence.sha256",
        allow_null=True,
        default=None,
        help_text="SHA-256 of the sealed evidence; null until the job has ended.",
    )
    audit = AuditSerializer(allow_null=True, default=None)

    class Meta(JobSummarySerializer.Meta):
        fields = (
            *JobSummarySerializer.Meta.fields,
            "created_by",
            "started_by",
            "ended_by",
            "end_reason",
            "evidence_sha256",
            "audit",
        )


class StartedJobSerializer(JobSerializer):
    """A started job; only this response contains the job's execution token."""

    execution_token = serializers.CharField(
        help_text="Every report must contain it. It is shown only here and stored only as a hash.",
    )


class ActivationSerializer(ResponseSerializer):
    """The contract, which is now ACTIVE, and its new job."""

    contract = ContractSerializer()
    job = JobSerializer()


class ActivationOutcomeSerializer(ResponseSerializer):
    """The outcome for one contract of a bulk activation."""

    contract_id = serializers.UUIDField()
    status = serializers.IntegerField(
        help_text="The status that the single call would return: 201, 404, 409, …"
    )
    job_id = serializers.UUIDField(allow_null=True, help_text="The new job; null if refused.")
    problem = ProblemSerializer(allow_null=True, help_text="Why it was refused; null on success.")


class ActivationOutcomesSerializer(ResponseSerializer):
    """One outcome for each contract of the request, in the same order."""

    results = ActivationOutcomeSerializer(many=True)


class StepResultSerializer(RowSerializer[StepResult]):
    """The result of a step, as its executor reported it."""

    status = serializers.ChoiceField(as_strings(REPORTED_STATUSES))
    output = JsonValueField()
    health_after = JsonValueField()
    recorded_by = person("recorded_by")

    class Meta:
        model = StepResult
        fields: tuple[str, ...] = (
            "step_index",
            "status",
            "started_at",
            "completed_at",
            "output",
            "error",
            "health_after",
            "recorded_at",
            "recorded_by",
        )


class RecordedResultSerializer(StepResultSerializer):
    """The recorded result, and when the renewed lease ends."""

    lease_expires_at = lease("job.lease_expires_at")


class RecordedResultsSerializer(ResponseSerializer):
    """The recorded results, in order, and when the renewed lease ends."""

    results = StepResultSerializer(many=True)
    lease_expires_at = lease("job.lease_expires_at")


class StepSerializer(PlannedStepSerializer):
    """A step of the plan, its status, and its result if it has one."""

    status = serializers.ChoiceField(as_strings(StepStatus))
    result = StepResultSerializer(allow_null=True)


class ProgressSerializer(ResponseSerializer):
    """A job's status and its counts of steps."""

    job_id = serializers.UUIDField()
    status = serializers.ChoiceField(as_strings(JobStatus))
    current_step = serializers.IntegerField(help_text="The index of the step that is due.")
    total_steps = serializers.IntegerField()
    completed_steps = serializers.IntegerField()
    failed_steps = serializers.IntegerField()


class EvidenceSerializer(serializers.Serializer[Any]):
    """The sealed evidence: canonical JSON, served byte for byte as it was hashed."""

    evidence_version = serializers.CharField()
    job_id = serializers.UUIDField()
    contract_id = serializers.UUIDField()
    job_status = serializers.ChoiceField(as_strings(JobStatus))
    end_reason = serializers.CharField()
    steps = serializers.ListField(child=serializers.DictField())
    step_results = serializers.ListField(child=serializers.DictField())
    health_before = serializers.DictField(allow_null=True)
    health_after = serializers.DictField(allow_null=True)
    execution_duration_seconds = serializers.FloatField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField()
    collected_at = serializers.DateTimeField()
    contract_content_sha256 = serializers.CharField()
    approval = serializers.DictField()
    signatures = serializers.ListField(child=serializers.DictField())
    participants = serializers.DictField()
    ledger_head = serializers.DictField()
    # Evidence from before version 1.2.0 does not have these.
    affected_capabilities = serializers.ListField(child=serializers.CharField(), required=False)
    rolls_back = serializers.UUIDField(allow_null=True, required=False)
    executor_version = serializers.CharField(allow_null=True, required=False)
    routes = _records(required=False)
    observations = serializers.DictField(required=False)
    signals = _records(required=False)
    rollout = serializers.DictField(allow_null=True, required=False)
