"""Serializers of request bodies; an invalid or unknown field is refused with its path."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers

from governance.api.fields import (
    LIST_MESSAGES,
    JsonObjectField,
    JsonValueField,
    Sha256Field,
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
)
from governance.domain.values import (
    DEFAULT_TIMEOUT_MINUTES,
    TIMEOUT_MINUTES,
    AuditVerdict,
    StepReport,
    StepStatus,
)

REPORTED_STATUSES = (StepStatus.COMPLETED, StepStatus.FAILED)
MAX_BATCH_SIZE = 200
GIVEN_VERDICTS = (AuditVerdict.PASS, AuditVerdict.FAIL, AuditVerdict.INCONCLUSIVE)
_TOKEN_HELP = "The token that claim or start returned; any other token is refused."  # noqa: S105


class EmptySerializer(StrictSerializer):
    """An empty body, or an object without fields."""


class ClaimSerializer(StrictSerializer):
    """What an executor can do; without it any job is claimed."""

    step_types = serializers.ListField(
        child=StrictCharField(max_length=100),
        required=False,
        default=None,
        min_length=1,
        max_length=50,
        help_text="Claim only a job whose steps all have these types, and whose timeouts fit into "
        "what is left of its activation window.",
        error_messages=LIST_MESSAGES,
    )


class ActivationOptionsSerializer(StrictSerializer):
    """The options of an activation; all are optional."""

    timeout_minutes = StrictIntegerField(
        required=False,
        default=DEFAULT_TIMEOUT_MINUTES,
        min_value=TIMEOUT_MINUTES.start,
        max_value=TIMEOUT_MINUTES[-1],
        help_text="The minutes that the job may run after its start.",
    )


class BulkActivationSerializer(ActivationOptionsSerializer):
    """The contracts to activate, and the options of their activation."""

    contract_ids = serializers.ListField(
        child=StrictUUIDField(),
        min_length=1,
        max_length=MAX_BATCH_SIZE,
        help_text="Each id once; the response keeps their order.",
        error_messages=LIST_MESSAGES,
    )

    def validate_contract_ids(self, ids: list[UUID]) -> list[UUID]:
        if len(set(ids)) < len(ids):
            raise serializers.ValidationError("must not name a contract twice")
        return ids


class CompletionSerializer(StrictSerializer):
    """The completion of a job whose steps are all reported, or of which one failed."""

    execution_token = StrictCharField(max_length=200, help_text=_TOKEN_HELP)


class CancellationSerializer(StrictSerializer):
    """The cancellation of a job, with its reason."""

    reason = StrictCharField(
        allow_blank=True,  # the orchestrator refuses it with `reason_required`
        max_length=4000,
        help_text="Why the job is cancelled; the ledger keeps it.",
    )


class StepReportSerializer(StrictSerializer):
    """The report of one step."""

    step_index = StrictIntegerField(min_value=0, max_value=2**31 - 1)
    status = StrictChoiceField(REPORTED_STATUSES)
    started_at = StrictDateTimeField()
    completed_at = StrictDateTimeField()
    output = JsonValueField(
        required=False, default=None, help_text="What the step did: any JSON value."
    )
    error = StrictCharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=10_000,
        help_text="What failed: required for a FAILED step, refused for a COMPLETED one.",
    )
    health_after = JsonValueField(
        required=False,
        default=None,
        help_text="The executor's claim about health; it is not an observation.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"report": StepReport(**attrs | {"status": StepStatus(attrs["status"])})}


class SingleReportSerializer(StepReportSerializer):
    """The report of the step that is due, with the execution token."""

    execution_token = StrictCharField(max_length=200, help_text=_TOKEN_HELP)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        token = attrs.pop("execution_token")
        return super().validate(attrs) | {"token": token}


class BatchReportSerializer(StrictSerializer):
    """The reports of the step that is due and of the steps after it, in order."""

    execution_token = StrictCharField(max_length=200, help_text=_TOKEN_HELP)
    results = serializers.ListField(
        child=StepReportSerializer(),
        min_length=1,
        max_length=MAX_BATCH_SIZE,
        help_text="In order of `step_index`, without gaps; all are recorded, or none.",
        error_messages=LIST_MESSAGES,
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        reports = [one["report"] for one in attrs["results"]]
        return {"token": attrs["execution_token"], "reports": reports}


class VerdictSerializer(StrictSerializer):
    """An auditor's verdict on the evidence whose digest it names."""

    verdict = StrictChoiceField(GIVEN_VERDICTS)
    reason = StrictCharField(
        allow_blank=True, max_length=4000, help_text="Why the auditor decided so."
    )
    checks = serializers.ListField(
        child=JsonObjectField(),
        required=False,
        default=list,
        max_length=1000,
        help_text="What was checked, in a form that the auditor chooses.",
        error_messages=LIST_MESSAGES,
    )
    evidence_sha256 = Sha256Field(help_text="SHA-256 of the evidence that was audited.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return attrs | {"verdict": AuditVerdict(attrs["verdict"])}
