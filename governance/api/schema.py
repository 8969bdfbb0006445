"""How the API describes itself: OpenAPI 3.1, with every refusal as a problem document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from governance.api.fields import Sha256Field, StrictCharField
from governance.api.request_bodies import GIVEN_VERDICTS, REPORTED_STATUSES
from governance.domain import values
from governance.domain.canonical import MAX_NUMBER
from governance.domain.changes import (
    CapabilityDisable,
    CapabilityEnable,
    ConfigurationUpdate,
    ParameterChange,
)

# Names for the closed sets; settings.SPECTACULAR_SETTINGS points here.
CONTRACT_STATUSES = [str(word) for word in values.ContractStatus]
JOB_STATUSES = [str(word) for word in values.JobStatus]
STEP_STATUSES = [str(word) for word in values.StepStatus]
REPORT_STATUSES = [str(word) for word in REPORTED_STATUSES]
AUDIT_VERDICTS = [str(word) for word in values.AuditVerdict]
VERDICTS_GIVEN = [str(word) for word in GIVEN_VERDICTS]
RISK_LEVELS = [str(word) for word in values.RiskLevel]
SOURCES = [str(word) for word in values.Source]


class FaultSerializer(serializers.Serializer[Any]):
    path = serializers.CharField(help_text="Where in the document; empty for all of it.")
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """A refusal, as RFC 9457 describes one; programs go by `code`, which is stable."""

    type = serializers.CharField(help_text="`urn:govsite:problem:` and the code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What was refused and why, for people.")
    code = serializers.CharField(help_text="What was refused, for programs.")
    errors = FaultSerializer(many=True, required=False, help_text="Each fault of the input.")  # type: ignore[assignment]
    details = serializers.DictField(
        required=False, help_text="Values that help, such as the states involved."
    )


class ProblemAwareSchema(AutoSchema):
    """Makes the problem document known; `openapi.py` says which operation answers with which."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation:
            self.resolve_serializer(ProblemSerializer, "response")
        return operation


# Text without NUL; and text with anything in it but white space, as Python's `strip` has it.
HEX_DIGEST = "^[0-9a-f]{64}$"
NO_NUL = r"^[^\u0000]*$"
NOT_BLANK = r"^[^\u0000]*[^\s\u0000\u001c-\u001f\u0085][^\u0000]*$"

_ERROR_IF_FAILED: dict[str, Any] = {
    "if": {"properties": {"status": {"const": "FAILED"}}, "required": ["status"]},
    "then": {"properties": {"error": {"pattern": NOT_BLANK}}, "required": ["error"]},
    "else": {"properties": {"error": {"maxLength": 0}}},
}

# What a form refuses beyond its fields' own limits, as far as JSON Schema can say it.
EXTRA_CONSTRAINTS: dict[str, dict[str, Any]] = {
    "BulkActivationSerializer": {"properties": {"contract_ids": {"uniqueItems": True}}},
    "CancellationSerializer": {"properties": {"reason": {"pattern": NOT_BLANK}}},
    "VerdictSerializer": {"properties": {"reason": {"pattern": NOT_BLANK}}},
    **dict.fromkeys(("SingleReportSerializer", "StepReportSerializer"), _ERROR_IF_FAILED),
}


class StrictSerializerExtension(OpenApiSerializerExtension):
    """Says in the description too that a request body takes no other fields, and what it refuses
    of those it knows.
    """

    target_class = "governance.api.fields.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        schema |= {"additionalProperties": False}
        for name, field in self.target.fields.items():
            if isinstance(field, StrictCharField):
                pattern = HEX_DIGEST if isinstance(field, Sha256Field) else NO_NUL
                schema["properties"][name] |= {"pattern": pattern}
        rules = dict(EXTRA_CONSTRAINTS.get(type(self.target).__name__, {}))
        for name, limits in rules.pop("properties", {}).items():
            schema["properties"][name] |= limits
        return schema | rules


JSON_VALUES: dict[str, Any] = {
    "propertyNames": {"pattern": NO_NUL},
    "additionalProperties": {"$ref": "#/components/schemas/JsonValue"},
}


class JsonValueExtension(OpenApiSerializerFieldExtension):
    """Any JSON value that a record can keep without loss."""

    target_class = "governance.api.fields.JsonValueField"

    def get_name(self) -> str:
        return "JsonValue"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {
            "description": "Any JSON value, at most 32 levels deep; numbers within ±(2^53 − 1).",
            "minimum": -MAX_NUMBER,
            "maximum": MAX_NUMBER,
            "pattern": NO_NUL,
            "items": {"$ref": "#/components/schemas/JsonValue"},
            **JSON_VALUES,
        }


class JsonObjectExtension(OpenApiSerializerFieldExtension):
    """An object with any fields that a record can keep."""

    target_class = "governance.api.fields.JsonObjectField"

    def get_name(self) -> str:
        return "JsonObject"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {"type": "object", **JSON_VALUES}


class ChangeExtension(OpenApiSerializerFieldExtension):
    """Describes a change from the types that the vocabulary reads changes with."""

    target_class = "governance.api.serializers.contracts.ChangeField"

    def get_name(self) -> str:
        return "Change"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        kinds = (CapabilityEnable, CapabilityDisable, ConfigurationUpdate, ParameterChange)
        return {"oneOf": [kind.model_json_schema() for kind in kinds]}


class BearerTokenExtension(OpenApiAuthenticationExtension):
    target_class = "governance.api.authentication.ApiTokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token from `manage.py create_api_token`.",
        }
