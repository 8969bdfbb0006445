"""Postprocessing of the OpenAPI document: error responses with their codes, and examples.

It works on the generated document by operation id, so the actions need no annotations for it.
Error responses that several operations share are in `components/responses`, and all examples in
`components/examples`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from governance.api.declared_errors import (
    common_codes,
    declared_errors_of,
    group_by_status,
)
from governance.api.error_codes import ERROR_CODES, ErrorCode
from governance.api.problems import MEDIA_TYPE
from governance.api.schema import NOT_BLANK

EXAMPLES = Path(__file__).with_name("examples.json")
PROBLEM = {"$ref": "#/components/schemas/Problem"}

# By status: the name of its shared response, and its meaning.
STATUS_TEXTS: dict[int, tuple[str, str]] = {
    400: ("BadRequest", "The request is invalid; `errors` names each field."),
    401: ("Unauthorized", "There is no token, or it is not valid."),
    403: ("Forbidden", "The token or its account may not do this."),
    404: ("NotFound", "No such object, or it is outside the token's capabilities."),
    406: ("NotAcceptable", "The call returns none of the media types that `Accept` names."),
    409: ("Conflict", "The current state does not allow this; `code` says why."),
    410: ("Gone", "The contract was archived and removed; `details` identify the archive."),
    411: ("LengthRequired", "The body has no `Content-Length`."),
    412: ("PreconditionFailed", "`If-Match` does not name the current version."),
    414: ("AddressTooLong", "The path or the query is too long."),
    415: ("UnsupportedMediaType", "The body is not `application/json` in UTF-8."),
    422: ("KeyReused", "The `Idempotency-Key` was used for another request."),
    429: ("Throttled", "Too many requests; retry after `Retry-After` seconds."),
    500: ("InternalError", "An unexpected error in the server, which has been logged."),
    503: ("Unavailable", "Temporarily unavailable; retry after `Retry-After` seconds."),
}
SUCCESS = {"200": "Success.", "201": "Created.", "304": "Not changed since the version named."}

_RETRY_AFTER = {
    "description": "Seconds to wait before a retry.",
    "schema": {"type": "integer", "minimum": 0},
}
HEADERS: dict[int, dict[str, Any]] = {
    401: {
        "WWW-Authenticate": {
            "description": "How to authenticate.",
            "required": True,
            "schema": {"type": "string", "const": "Bearer"},
        }
    },
    429: {"Retry-After": {"required": True, **_RETRY_AFTER}},
    503: {"Retry-After": {"required": True, **_RETRY_AFTER}},
}

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

# The kinds of calls that share error responses, by the suffix of the responses' names.
KINDS: dict[str, dict[str, Any]] = {
    "": {"method": "GET", "has_id": False, "is_list": False},
    "ToList": {"method": "GET", "has_id": False, "is_list": True},
    "ToPost": {"method": "POST", "has_id": False, "is_list": False},
}


def complete_schema(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add error responses and examples to the document: a postprocessing hook of drf-spectacular.

    Raises:
        ImproperlyConfigured: an operation has no entry in `declared_errors.py`, or no examples.
    """
    shared = _shared_responses()
    used: dict[str, Any] = {}
    examples: dict[str, Any] = {}
    for path, item in result["paths"].items():
        for method, operation in item.items():
            codes = declared_errors_of(
                operation["operationId"],
                method=method,
                has_id="{" in path,
                is_list=_is_list(operation),
            )
            for status, of_status in codes.items():
                name = shared.get((status, of_status))
                if name:
                    used[name] = response_of(status, of_status)
                    answer = {"$ref": f"#/components/responses/{name}"}
                else:
                    answer = response_of(status, of_status)
                operation["responses"].setdefault(str(status), answer)
                examples |= {f"problem-{code}": problem_example(code) for code in of_status}
            if "requestBody" in operation and _has_alternatives(operation, result):
                operation["requestBody"]["required"] = True
            _add_conditions(operation, method)
            _limit_parameters(operation)
            _name_successes(operation)
            examples |= _add_examples(operation)
            _sort_responses(operation)
    components = result["components"]
    components["responses"] = dict(sorted(used.items()))
    components["examples"] = dict(sorted(examples.items()))
    return result


def response_of(status: int, codes: tuple[str, ...]) -> dict[str, Any]:
    """Return the response of a status: a problem with one of `codes`, and an example for each."""
    narrowed = {"properties": {"status": {"const": status}, "code": {"enum": list(codes)}}}
    references = {code: {"$ref": f"#/components/examples/problem-{code}"} for code in codes}
    headers = dict(HEADERS.get(status, {}))
    if "request_in_progress" in codes:
        headers["Retry-After"] = _RETRY_AFTER
    return {
        "description": STATUS_TEXTS[status][1],
        **({"headers": headers} if headers else {}),
        "content": {MEDIA_TYPE: {"schema": {"allOf": [PROBLEM, narrowed]}, "examples": references}},
    }


def problem_example(code: str) -> dict[str, Any]:
    """Return the example of an error code: a problem document as the API returns it."""
    error_code: ErrorCode = ERROR_CODES[code]
    document: dict[str, Any] = {
        "type": f"urn:govsite:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": error_code.status,
        "detail": error_code.detail,
        "code": code,
    }
    if error_code.path is not None:
        _, _, message = error_code.detail.rpartition(": ")
        document["errors"] = [{"path": error_code.path, "message": message.rstrip(".")}]
    if error_code.details:
        document["details"] = dict(error_code.details)
    return {"summary": code, "description": error_code.meaning, "value": document}


@cache
def examples_of_success() -> dict[str, Any]:
    """Return the recorded requests and responses of one contract's lifecycle, by operation id."""
    recorded: dict[str, Any] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return recorded


def _shared_responses() -> dict[tuple[int, tuple[str, ...]], str]:
    """Return the names of the shared responses in `components/responses`, by (status, codes)."""
    names: dict[tuple[int, tuple[str, ...]], str] = {}
    for suffix, kind in KINDS.items():
        for status, codes in group_by_status(common_codes(**kind)).items():
            names.setdefault((status, codes), STATUS_TEXTS[status][0] + suffix)
    return names


def _has_alternatives(operation: dict[str, Any], result: dict[str, Any]) -> bool:
    """Whether a body has alternative forms; drf-spectacular does not mark such a body required."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    return "oneOf" in result["components"]["schemas"].get(name, schema)


def _is_list(operation: dict[str, Any]) -> bool:
    return any(given["name"] == "cursor" for given in operation.get("parameters", ()))


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


def _limit_parameters(operation: dict[str, Any]) -> None:
    """Add the patterns of text parameters, which must not be blank or contain NUL."""
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        if parameter["name"] == "cursor":
            schema["pattern"] = "^[A-Za-z0-9_-]+$"
        is_free = schema.get("type") == "string" and not {"enum", "format", "pattern"} & set(schema)
        if parameter["in"] == "query" and is_free:
            schema["pattern"] = NOT_BLANK


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


def _sort_responses(operation: dict[str, Any]) -> None:
    operation["responses"] = dict(sorted(operation["responses"].items()))
