"""Postprocessing of the OpenAPI document: rules of bodies, conditional requests and examples.

It works on the generated document by operation id and by component, so actions and serializers
need no annotations for it. The examples are in `components/examples`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from governance.api.fields import NOT_BLANK, StrictCharField, StrictSerializer
from governance.api.sparse_fields import SparseFieldsSerializer

EXAMPLES = Path(__file__).with_name("examples.json")

SUCCESS = {"200": "Success.", "201": "Created.", "304": "Not changed since the version named."}

# Reads whose responses have an entity tag.
OPERATIONS_WITH_ETAG = ("get_contract", "get_job", "get_evidence")
_TAGS = {"type": "string"}
IDEMPOTENCY_KEY: dict[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "A new key for each operation, best a random UUID. The same request with the "
    "same key is carried out once; for 24 hours it returns the same response.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "example": "6f1c2a1e-0b7e-4d0e-9a39-2f1d9c8f7a11",
}
IF_MATCH: dict[str, Any] = {
    "in": "header",
    "name": "If-Match",
    "description": "Carry out the call only if one of these entity tags is current; otherwise 412.",
    "schema": _TAGS,
}
IF_NONE_MATCH: dict[str, Any] = {
    "in": "header",
    "name": "If-None-Match",
    "description": "Return the body only if none of these entity tags is current; otherwise 304.",
    "schema": _TAGS,
}
REPLAYED = {
    "description": "The response is the stored one of an earlier call with this `Idempotency-Key`.",
    "schema": {"type": "string", "const": "true"},
}
ETAG = {
    "description": "A strong entity tag, which changes whenever this response changes.",
    "required": True,
    "schema": {"type": "string"},
}


# Rules of request bodies beyond the limits of their fields, as far as JSON Schema can express them.
PROPERTY_RULES: dict[tuple[str, str], dict[str, Any]] = {
    ("BulkActivationRequest", "contract_ids"): {"uniqueItems": True},
    ("CancellationRequest", "reason"): {"pattern": NOT_BLANK},
    ("VerdictRequest", "reason"): {"pattern": NOT_BLANK},
}
ERROR_IF_FAILED: dict[str, Any] = {
    "if": {"properties": {"status": {"const": "FAILED"}}, "required": ["status"]},
    "then": {"properties": {"error": {"pattern": NOT_BLANK}}, "required": ["error"]},
    "else": {"properties": {"error": {"maxLength": 0}}},
}


def complete_schema(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the rules of bodies, conditional requests and examples: a hook of drf-spectacular.

    Raises:
        ImproperlyConfigured: an operation has no examples.
    """
    components = result["components"]
    _add_rules(components["schemas"])
    examples: dict[str, Any] = components["examples"]
    for item in result["paths"].values():
        for method, operation in item.items():
            if "requestBody" in operation and _has_alternatives(operation, result):
                operation["requestBody"]["required"] = True
            _add_conditions(operation, method)
            _name_successes(operation)
            examples |= _add_examples(operation)
            operation["responses"] = dict(sorted(operation["responses"].items()))
    components["examples"] = dict(sorted(examples.items()))
    return result


@cache
def examples_of_success() -> dict[str, Any]:
    """Return the recorded requests and responses of one contract's lifecycle, by operation id."""
    recorded: dict[str, Any] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return recorded


def _add_rules(schemas: dict[str, Any]) -> None:
    """Close request bodies and add their rules; require no field of a sparse response."""
    for kind in _subclasses(SparseFieldsSerializer):
        schemas[kind.__name__.removesuffix("Serializer")].pop("required")
    for kind in _subclasses(StrictSerializer):
        schema = schemas[f"{kind.__name__.removesuffix('Serializer')}Request"]
        schema["additionalProperties"] = False
        for name, field in kind().fields.items():
            if isinstance(field, StrictCharField):
                schema["properties"][name]["pattern"] = field.pattern
    for (body, name), rule in PROPERTY_RULES.items():
        schemas[body]["properties"][name] |= rule
    for body in ("SingleReportRequest", "StepReportRequest"):
        schemas[body] |= ERROR_IF_FAILED


def _subclasses(base: type[Any]) -> Iterator[type[Any]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _subclasses(kind)


def _has_alternatives(operation: dict[str, Any], result: dict[str, Any]) -> bool:
    """Whether a body has alternative forms; drf-spectacular does not mark such a body required."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    return "oneOf" in result["components"]["schemas"].get(name, schema)


def _add_conditions(operation: dict[str, Any], method: str) -> None:
    """Add the headers of idempotent and of conditional requests."""
    parameters = operation.setdefault("parameters", [])
    answers = operation["responses"]
    if method == "post":
        parameters += [IDEMPOTENCY_KEY, IF_MATCH]
        for status in (status for status in answers if status.startswith("2")):
            answers[status].setdefault("headers", {})["Idempotency-Replayed"] = REPLAYED
    elif operation["operationId"] in OPERATIONS_WITH_ETAG:
        if operation["operationId"] != "get_evidence":
            parameters.append(IF_MATCH)
        parameters.append(IF_NONE_MATCH)
        for status in ("200", "304"):
            answer = answers.setdefault(status, {"description": SUCCESS[status]})
            answer.setdefault("headers", {})["ETag"] = ETAG
    if not parameters:
        del operation["parameters"]


def _name_successes(operation: dict[str, Any]) -> None:
    """Add the description that OpenAPI requires of every response."""
    for status, answer in operation["responses"].items():
        if "description" in answer and not answer["description"]:
            answer["description"] = SUCCESS.get(status, "Success.")


def _add_examples(operation: dict[str, Any]) -> dict[str, Any]:
    """Add references to an operation's examples, and return the examples by name.

    Raises:
        ImproperlyConfigured: `examples.json` does not have the operation.
    """
    name = operation["operationId"]
    recorded = examples_of_success().get(name)
    if recorded is None:
        raise ImproperlyConfigured(
            f"The operation {name} has no examples in {EXAMPLES.name}: call it in "
            "tests/api/generate_examples.py, and run `make examples`."
        )
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" and parameter["name"] == "id":
            parameter["example"] = recorded["id"]
    kept: dict[str, Any] = {}

    def refer(content: dict[str, Any], part: str) -> None:
        references = {}
        for title, value in recorded.get(part, {}).items():
            key = f"{name}-{part}-{title}"
            kept[key] = {"value": value}
            references[title] = {"$ref": f"#/components/examples/{key}"}
        for media in content.values():
            if references and "json" in next(iter(content)):
                media["examples"] = references

    refer(operation.get("requestBody", {}).get("content", {}), "request")
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            refer(answer.get("content", {}), status)
    return kept
