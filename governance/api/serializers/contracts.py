"""Response serializers of contracts and their ledgers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.api.fields import JsonValueField
from governance.api.sparse_fields import (
    ResponseSerializer,
    RowSerializer,
    UtcDateTimeField,
    serialize,
)
from governance.authorities.contract.queries import open_clarification_of, signatures_of
from governance.domain.values import ApprovalKind
from governance.models import ApprovalSignature, ClarificationRequest, LedgerEntry, SystemContract


class ChangeField(JsonValueField):
    """One change as it is stored; `schema.py` describes it by the types of `domain/changes.py`."""


@extend_schema_field({"type": ["object", "null"], "additionalProperties": {}})
class VerdictField(JsonValueField):
    """A verdict exactly as it was received; null without a verdict."""


@extend_schema_field({"type": "string", "pattern": "^[0-9a-f]{64}$"})
class HexField(serializers.Field[Any, Any, Any, Any]):
    """The bytes of a hash, shown in hexadecimal."""

    def to_representation(self, value: Any) -> str:
        return bytes(value).hex()


class PlannedStepSerializer(ResponseSerializer):
    """A step of the contract's plan; activation copies it to the job."""

    step_index = serializers.IntegerField()
    step_type = serializers.CharField()
    target = serializers.CharField()
    change = ChangeField()
    timeout_seconds = serializers.IntegerField()
    rollback_action = ChangeField(
        allow_null=True,
        help_text="The change that would undo the step; null if the rollback is not known.",
    )


def person(source: str, **options: Any) -> serializers.CharField:
    """Return a field that shows an account by its username."""
    return serializers.CharField(source=f"{source}.username", **options)


def optional_person(source: str) -> serializers.CharField:
    return person(source, allow_null=True, default=None)


class ClarificationSerializer(RowSerializer[ClarificationRequest]):
    """A founder's question that has no answer yet."""

    asked_by = person("asked_by")

    class Meta:
        model = ClarificationRequest
        fields = ("number", "question", "asked_by", "asked_at")


class SignatureSerializer(RowSerializer[ApprovalSignature]):
    """A founder's signature on a content and a view, for an activation window."""

    founder = person("founder")

    class Meta:
        model = ApprovalSignature
        fields = (
            "number",
            "founder",
            "signed_at",
            "note",
            "window_opens_at",
            "window_closes_at",
            "content_digest",
            "view_digest",
            "quorum",
            "activates_itself",
        )


class ContractSummarySerializer(RowSerializer[SystemContract]):
    """A contract as lists show it."""

    job_id = serializers.UUIDField(
        source="job.id",
        allow_null=True,
        default=None,
        help_text="The contract's one job; null until the contract is activated.",
    )
    review_ends_at = UtcDateTimeField(
        allow_null=True,
        help_text="`expires_at` plus the time for which founders' questions paused the review; "
        "null while a question is open.",
    )

    class Meta:
        model = SystemContract
        fields: tuple[str, ...] = (
            "id",
            "reference",
            "source",
            "title",
            "requested_by",
            "affected_capabilities",
            "risk_level",
            "status",
            "audit_verdict",
            "confidence_score",
            "created_at",
            "updated_at",
            "expires_at",
            "review_ends_at",
            "approved_at",
            "window_opens_at",
            "window_closes_at",
            "closed_at",
            "job_id",
        )


class ContractSerializer(ContractSummarySerializer):
    """A contract with all its fields."""

    proposed_by = person("proposed_by")
    approved_by = optional_person("approved_by")
    closed_by = optional_person("closed_by")
    proposed_changes = serializers.ListField(child=ChangeField())
    plan = PlannedStepSerializer(many=True)
    validator_verdict = VerdictField()
    eligibility_verdict = VerdictField()
    parent_id = serializers.UUIDField(
        allow_null=True,
        help_text="The contract that this one replaces, because a founder modified its scope.",
    )
    successor_id = serializers.UUIDField(
        source="successor.id",
        allow_null=True,
        default=None,
        help_text="The contract that replaced this one; null without one, and after that "
        "contract was archived and removed.",
    )
    repeats_id = serializers.UUIDField(
        read_only=True,
        allow_null=True,
        help_text="The ended contract whose content this one proposes again.",
    )
    rolls_back_id = serializers.UUIDField(
        read_only=True,
        allow_null=True,
        help_text="The FAILED contract whose completed steps this one undoes; null for any other.",
    )
    approval_kind = serializers.ChoiceField(
        [str(kind) for kind in ApprovalKind],
        read_only=True,
        help_text="`signed`: founders sign it. `pre_authorised`: a rollback that the founders "
        "authorised with their signatures on the contract that it undoes.",
    )
    clarification = serializers.SerializerMethodField(
        help_text="The open question of a founder, which pauses the review; null without one."
    )

    signatures = serializers.SerializerMethodField(
        help_text="The founders' signatures, in order. The contract is approved when as "
        "many are valid as `quorum` says. Contracts approved before signatures existed have none."
    )

    class Meta(ContractSummarySerializer.Meta):
        fields = (
            *ContractSummarySerializer.Meta.fields,
            "description",
            "proposed_by",
            "proposed_changes",
            "plan",
            "validator_verdict",
            "eligibility_verdict",
            "content_digest",
            "approved_by",
            "approved_digest",
            "approval_note",
            "signatures",
            "closed_by",
            "closed_reason",
            "clarification",
            "parent_id",
            "successor_id",
            "repeats_id",
            "rolls_back_id",
            "approval_kind",
        )

    @extend_schema_field(SignatureSerializer(many=True))
    def get_signatures(self, contract: SystemContract) -> list[Any]:
        return [serialize(SignatureSerializer, one) for one in signatures_of(contract)]

    @extend_schema_field(ClarificationSerializer(allow_null=True))
    def get_clarification(self, contract: SystemContract) -> dict[str, Any] | None:
        question = open_clarification_of(contract)
        return serialize(ClarificationSerializer, question) if question else None


class LedgerEntrySerializer(RowSerializer[LedgerEntry]):
    """A ledger entry: `hash` is the SHA-256 of the bytes of `prev_hash`, then `body` in UTF-8."""

    body = serializers.CharField(help_text="Canonical JSON, exactly as it was hashed.")
    prev_hash = HexField(help_text="64 zeros at the start of the chain.")
    hash = HexField()

    class Meta:
        model = LedgerEntry
        fields = (
            "seq",
            "at",
            "actor",
            "event",
            "from_status",
            "to_status",
            "reason",
            "step_index",
            "body",
            "prev_hash",
            "hash",
        )
