"""Request bodies: what each call takes, field by field; anything else is refused with its path."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers

from governance.api.fields import (
    LIST_MESSAGES,
    JsonObjectListField,
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
_TOKEN_HELP = "The token that claim or start gave out; an older one is refused."  # noqa: S105


class EmptySerializer(StrictSerializer):
    """An empty body, or an object without fields."""


class ActivationOptionsSerializer(StrictSerializer):
    """How an approved contract shall be run; may be left out."""

    timeout_minutes = StrictIntegerField(
        required=False,
        default=DEFAULT_TIMEOUT_MINUTES,
        min_value=TIMEOUT_MINUTES.start,
        max_value=TIMEOUT_MINUTES[-1],
        help_text="How long the job may run once it is started.",
    )


class BulkActivationSerializer(ActivationOptionsSerializer):
    """Which approved contracts shall be run, and how."""

    contract_ids = serializers.ListField(
        child=StrictUUIDField(),
        min_length=1,
        max_length=MAX_BATCH_SIZE,
        help_text="Each once; the answer keeps their order.",
        error_messages=LIST_MESSAGES,
    )

    def validate_contract_ids(self, ids: list[UUID]) -> list[UUID]:
        if len(set(ids)) < len(ids):
            raise serializers.ValidationError("names a contract twice")
        return ids


class CompletionSerializer(StrictSerializer):
    """That every step is reported, or one has failed."""

    execution_token = StrictCharField(max_length=200, help_text=_TOKEN_HELP)


class CancellationSerializer(StrictSerializer):
    """Why the job shall not go on."""

    reason = StrictCharField(
        allow_blank=True,  # the orchestrator refuses that in its own words
        max_length=4000,
        help_text="Why; it is kept in the ledger.",
    )


class StepReportSerializer(StrictSerializer):
    """What happened to one step."""

    step_index = StrictIntegerField(min_value=0, max_value=2**31 - 1)
    status = StrictChoiceField(REPORTED_STATUSES)
    started_at = StrictDateTimeField()
    completed_at = StrictDateTimeField()
    output = JsonValueField(
        required=False, default=None, help_text="What the step did, as any JSON value."
    )
    error = StrictCharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=10_000,
        help_text="What went wrong: required of a FAILED step, refused of a COMPLETED one.",
    )
    health_after = JsonValueField(
        required=False,
        default=None,
        help_text="The executor's own claim of health; not an observation.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"report": StepReport(**attrs | {"status": StepStatus(attrs["status"])})}


class SingleReportSerializer(StepReportSerializer):
    """What happened to the step that is due."""

    execution_token = StrictCharField(max_length=200, help_text=_TOKEN_HELP)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        token = attrs.pop("execution_token")
        return super().validate(attrs) | {"token": token}


class BatchReportSerializer(StrictSerializer):
    """What happened to the step that is due and to those after it, in order."""

    execution_token = StrictCharField(max_length=200, help_text=_TOKEN_HELP)
    results = serializers.ListField(
        child=StepReportSerializer(),
        min_length=1,
        max_length=MAX_BATCH_SIZE,
        help_text="In order of `step_index`, none left out; all are kept, or none is.",
        error_messages=LIST_MESSAGES,
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        reports = [one["report"] for one in attrs["results"]]
        return {"token": attrs["execution_token"], "reports": reports}


class VerdictSerializer(StrictSerializer):
    """An auditor's judgement of exactly the evidence it names."""

    verdict = StrictChoiceField(GIVEN_VERDICTS)
    reason = StrictCharField(allow_blank=True, max_length=4000, help_text="Why, in words.")
    checks = JsonObjectListField(
        required=False,
        default=list,
        max_length=1000,
        help_text="What was checked, in the auditor's own form.",
    )
    evidence_sha256 = Sha256Field(help_text="The digest of the evidence that was judged.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return attrs | {"verdict": AuditVerdict(attrs["verdict"])}
