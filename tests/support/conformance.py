"""The check that a response of the API conforms to its OpenAPI schema.

The test clients (`clients.py`) call `require_conformance` for every response: the operation is in
the schema, the status and the media type are declared, the body is valid and has no undeclared
field, the `code` of an error is declared for this operation and status, and required headers are
present. The body of an accepted request must be valid too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Any

import jsonschema_rs
from drf_spectacular.generators import SchemaGenerator

from governance.domain.errors import every_error

API = "/api/v1/"
PROBLEM_TYPE = "application/problem+json"

# Paths that the schema does not describe, and why.
UNDESCRIBED = {
    API: "the index is for people, and repeats the paths of the schema",
    f"{API}schema/": "the schema itself",
    f"{API}docs/": "a page",
    f"{API}redoc/": "a page",
}
# Codes of errors that occur before the request is routed to an operation.
UNROUTED_CODES = {
    *("not_found", "method_not_allowed", "bad_request", "invalid_parameter", "not_acceptable"),
    *("not_authenticated", "authentication_failed", "token_expired", "token_revoked"),
    *("user_inactive", "throttled", "length_required", "address_too_long"),
    *("unsupported_media_type", "internal_error", "database_unavailable"),
}


class UnpromisedAnswerError(AssertionError):
    """A response that does not conform to the schema; the message names it and the reason."""


def require_conformance(
    *,
    method: str,
    path: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes | None,
    sent: bytes = b"",
) -> None:
    """Check one response.

    Args:
        headers: The headers, with their names in the case that the API uses.
        body: The body of the response; None if it is a stream.
        sent: The body of the request.

    Raises:
        UnpromisedAnswerError: The response does not conform.
    """
    if not path.startswith(API) or path in UNDESCRIBED:
        return
    try:
        _check(method.lower(), path, status, headers, body, sent)
    except UnpromisedAnswerError as fault:
        raise UnpromisedAnswerError(
            f"{method} {path} answered {status}: {fault}\n{(body or b'')[:1000]!r}"
        ) from None


def _check(
    method: str,
    path: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes | None,
    sent: bytes,
) -> None:
    route = next((route for route, known in _paths().items() if known.fullmatch(path)), None)
    asked = "get" if method == "head" else method
    if route is None or asked not in _document()["paths"][route]:
        is_fixed = route is not None and "{" not in route
        _check_outside(status, headers, body, is_fixed=is_fixed, is_head=method == "head")
        return
    answer = _answer(route, asked, str(status))
    if answer is None:
        raise UnpromisedAnswerError("this status is not declared")
    for name, header in answer.get("headers", {}).items():
        _check_header(name, header, headers.get(name))
    content = answer.get("content")
    if content is None:
        if body:
            raise UnpromisedAnswerError("a body, although none is declared")
    else:
        media_type = headers.get("Content-Type", "").partition(";")[0]
        if media_type not in content:
            raise UnpromisedAnswerError(f"{media_type or 'no media type'} is not declared")
        if body is not None and method != "head" and media_type.endswith("json"):
            _validate(_validator(route, asked, str(status), media_type), _loaded(body))
    if status < 300 and sent and method == "post":
        _validate(_request_validator(route), _loaded(sent), "the request was accepted, but ")


def _check_outside(
    status: int, headers: Mapping[str, str], body: bytes | None, *, is_fixed: bool, is_head: bool
) -> None:
    if headers.get("Content-Type") != PROBLEM_TYPE:
        raise UnpromisedAnswerError("not a problem document, although this is no operation")
    if is_head:
        return
    problem = _loaded(body or b"")
    _validate(_problem_validator(), problem)
    code = problem["code"]
    declared = {(error.code, error.http_status) for error in every_error()}
    if code not in UNROUTED_CODES or (code, status) not in declared:
        raise UnpromisedAnswerError(f"{code} is not declared for requests without an operation")
    if code == "not_found" and is_fixed:
        raise UnpromisedAnswerError("not_found, although the path has other methods")
    if status == 405 and "Allow" not in headers:
        raise UnpromisedAnswerError("405 without Allow")


def _check_header(name: str, header: Mapping[str, Any], value: str | None) -> None:
    if value is None:
        if header.get("required"):
            raise UnpromisedAnswerError(f"the header {name} is missing")
        return
    typed = int(value) if header["schema"].get("type") == "integer" and value.isdigit() else value
    _validate(jsonschema_rs.validator_for(header["schema"]), typed, f"{name}: ")


def _validate(validator: Any, instance: Any, words: str = "") -> None:
    faults = [
        f"{'/'.join(map(str, fault.instance_path)) or 'all of it'}: {fault.message[:300]}"
        for fault in validator.iter_errors(instance)
    ]
    if faults:
        raise UnpromisedAnswerError(words + "; ".join(faults[:5]))


def _loaded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise UnpromisedAnswerError("not JSON") from None


# --- the schema, generated once per process -----------------------------------------------------
_MAKING = Lock()


def _document() -> dict[str, Any]:
    """Return the schema of the code, with undeclared properties forbidden in every object."""
    with _MAKING:  # drf-spectacular is not thread-safe
        return _closed_document()


@cache
def _closed_document() -> dict[str, Any]:
    made = SchemaGenerator().get_schema(request=None, public=True)
    document: dict[str, Any] = json.loads(json.dumps(made))
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return document


@cache
def _paths() -> dict[str, re.Pattern[str]]:
    """Return each path of the schema with its pattern; as in OpenAPI, fixed paths come first."""
    return {
        path: re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
        for path in sorted(_document()["paths"], key=lambda path: "{" in path)
    }


@cache
def _answer(route: str, method: str, status: str) -> Any:
    answer = _document()["paths"][route][method]["responses"].get(status)
    if answer and "$ref" in answer:
        answer = _document()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return answer


@cache
def _validator(route: str, method: str, status: str, media_type: str) -> Any:
    return _compiled(_answer(route, method, status)["content"][media_type]["schema"])


@cache
def _request_validator(route: str) -> Any:
    operation = _document()["paths"][route]["post"]
    return _compiled(operation["requestBody"]["content"]["application/json"]["schema"])


@cache
def _problem_validator() -> Any:
    return _compiled({"$ref": "#/components/schemas/Problem"})


def _compiled(schema: dict[str, Any]) -> Any:
    # `$ref` points to /components, so the components must be at the root of this schema.
    whole = {"allOf": [schema], "components": _document()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
