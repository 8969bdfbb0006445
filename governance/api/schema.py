"""Extensions of drf-spectacular that describe the API's fields and errors in OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, get_doc
from rest_framework import serializers

from governance.api.declared_errors import (
    common_errors,
    example_of,
    group_by_status,
    response_of,
    shared_response_name,
)
from governance.api.fields import NO_NUL
from governance.domain.canonical import MAX_NUMBER
from governance.domain.changes import (
    CapabilityDisable,
    CapabilityEnable,
    ConfigurationUpdate,
    ParameterChange,
)
from governance.domain.values import RiskLevel, Source

# `ENUM_NAME_OVERRIDES` of the settings names these enumerations, whose members have other names.
RISK_LEVELS = [str(level) for level in RiskLevel]
SOURCES = [str(source) for source in Source]


class FaultSerializer(serializers.Serializer[Any]):
    path = serializers.CharField(
        help_text="The path of the invalid part; empty for the whole document."
    )
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """An error as RFC 9457 defines it; programs decide by `code`, which is stable."""

    type = serializers.CharField(help_text="`urn:govsite:problem:`, then the code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(
        help_text="What was refused and why, for people; the wording may change."
    )
    code = serializers.CharField(help_text="The error code, for programs.")
    errors = FaultSerializer(many=True, required=False, help_text="Each invalid part of the input.")  # type: ignore[assignment]
    details = serializers.DictField(
        required=False, help_text="Further values, such as the current status."
    )


class ProblemAwareSchema(AutoSchema):
    """The schema generator with the errors of each operation (`declared_errors.py`).

    Responses that several operations share are in `components/responses`, and an example of each
    error is in `components/examples`.
    """

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation:
            self.resolve_serializer(ProblemSerializer, "response")
            self._add_errors(operation)
        return operation

    def _add_errors(self, operation: dict[str, Any]) -> None:
        action = getattr(self.view, self.view.action)  # type: ignore[attr-defined]
        is_list = any(given["name"] == "cursor" for given in operation.get("parameters", ()))
        error_classes = (
            *common_errors(method=self.method, has_id="{" in self.path, is_list=is_list),
            *([self.view.not_found_error] if "{" in self.path else ()),  # type: ignore[attr-defined]
            *getattr(action, "errors", ()),
        )
        for status, of_status in group_by_status(error_classes).items():
            response = response_of(status, of_status)
            if name := shared_response_name(status, of_status):
                response = self._component(ResolvedComponent.RESPONSE, name, response)
            operation["responses"].setdefault(str(status), response)
            for error_class in of_status:
                name = f"problem-{error_class.code}"
                self._component(ResolvedComponent.EXAMPLE, name, example_of(error_class))

    def _component(self, kind: str, name: str, schema: dict[str, Any]) -> dict[str, str]:
        component = ResolvedComponent(name, kind, schema, object=name)
        self.registry.register_on_missing(component)
        return component.ref


class EmptyBodyExtension(OpenApiSerializerExtension):
    """The description of a body without fields, which drf-spectacular would leave out."""

    target_class = "governance.api.request_bodies.EmptySerializer"

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        description = get_doc(type(self.target))
        return {"type": "object", "description": description, "additionalProperties": False}


JSON_VALUES: dict[str, Any] = {
    "propertyNames": {"pattern": NO_NUL},
    "additionalProperties": {"$ref": "#/components/schemas/JsonValue"},
}


class JsonValueExtension(OpenApiSerializerFieldExtension):
    """The description of `JsonValueField`: any JSON value that can be stored without loss."""

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
    """The description of `JsonObjectField`: an object that can be stored without loss."""

    target_class = "governance.api.fields.JsonObjectField"

    def get_name(self) -> str:
        return "JsonObject"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {"type": "object", **JSON_VALUES}


class ChangeExtension(OpenApiSerializerFieldExtension):
    """The description of a change, made from the types of `domain/changes.py` that parse it."""

    target_class = "governance.api.serializers.contracts.ChangeField"

    def get_name(self) -> str:
        return "Change"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        kinds = (CapabilityEnable, CapabilityDisable, ConfigurationUpdate, ParameterChange)
        return {"oneOf": [kind.model_json_schema(mode="serialization") for kind in kinds]}


class BearerTokenExtension(OpenApiAuthenticationExtension):
    target_class = "governance.api.authentication.ApiTokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token from `manage.py create_api_token`.",
        }
