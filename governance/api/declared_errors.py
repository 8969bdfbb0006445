"""The errors that each call can return, and their responses in the API's schema.

An action names its own errors with `@can_return`; those of every call, list, id and POST are here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from governance.api import errors as api_errors
from governance.api.problems import MEDIA_TYPE, problem_document
from governance.domain import errors
from governance.domain.errors import GovernanceError

ErrorClass = type[GovernanceError]
Action = TypeVar("Action", bound=Callable[..., Any])

ERRORS_OF_EVERY_CALL: tuple[ErrorClass, ...] = (
    api_errors.BadRequestError,
    api_errors.InvalidParameterError,
    api_errors.NotAuthenticatedError,
    api_errors.UnknownTokenError,
    api_errors.RequestTokenExpiredError,
    api_errors.RequestTokenRevokedError,
    api_errors.RequestUserInactiveError,
    api_errors.PermissionDeniedError,
    api_errors.NotAcceptableError,
    api_errors.LengthRequiredError,
    api_errors.AddressTooLongError,
    api_errors.UnsupportedMediaTypeError,
    api_errors.ThrottledError,
    api_errors.UnexpectedError,
    api_errors.DatabaseUnavailableError,
)
ERRORS_OF_EVERY_LIST: tuple[ErrorClass, ...] = (errors.InvalidInputError,)
ERRORS_OF_EVERY_ID: tuple[ErrorClass, ...] = (errors.NotFoundError,)
ERRORS_OF_EVERY_POST: tuple[ErrorClass, ...] = (
    errors.InvalidInputError,
    errors.MalformedJsonError,
    errors.InvalidJsonError,
    errors.NumberNotExactError,
    errors.DocumentTooLargeError,
    api_errors.InvalidIdempotencyKeyError,
    errors.RequestInProgressError,
    errors.KeyReusedError,
    errors.ResponseLostError,
    errors.VersionMismatchError,
    errors.IntegrityViolationError,
    errors.BusyError,
)
# Returned before a path and a method are matched to an operation, so no operation lists them.
UNROUTED_ERRORS: tuple[ErrorClass, ...] = (
    errors.NotFoundError,
    api_errors.MethodNotAllowedError,
)

# By status: the name of its shared response, and its meaning.
STATUS_TEXTS: dict[int, tuple[str, str]] = {
    400: ("BadRequest", "The request is invalid; `errors` names each field."),
    401: ("Unauthorized", "There is no token, or it is not valid."),
    403: ("Forbidden", "The token or its account may not do this."),
    404: ("NotFound", "No such object, or it is outside the token's capabilities."),
    405: ("MethodNotAllowed", "The path does not support this method."),
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

# The kinds of calls that share error responses, by the suffix of the responses' names.
_KINDS: dict[str, dict[str, Any]] = {
    "": {"method": "GET", "has_id": False, "is_list": False},
    "ToList": {"method": "GET", "has_id": False, "is_list": True},
    "ToPost": {"method": "POST", "has_id": False, "is_list": False},
}


def can_return(*error_classes: ErrorClass) -> Callable[[Action], Action]:
    """Decorate an action of a viewset with the errors that only it can return."""

    def decorate(action: Action) -> Action:
        action.errors = error_classes  # type: ignore[attr-defined]
        return action

    return decorate


def common_errors(*, method: str, has_id: bool, is_list: bool) -> tuple[ErrorClass, ...]:
    """Return the errors that every call of this kind can return."""
    return (
        *ERRORS_OF_EVERY_CALL,
        *(ERRORS_OF_EVERY_LIST if is_list else ()),
        *(ERRORS_OF_EVERY_ID if has_id else ()),
        *(ERRORS_OF_EVERY_POST if method == "POST" else ()),
    )


def group_by_status(error_classes: Sequence[ErrorClass]) -> dict[int, list[ErrorClass]]:
    """Group errors by status, the lowest status first and each error once."""
    groups: dict[int, list[ErrorClass]] = {}
    for error_class in dict.fromkeys(error_classes):
        groups.setdefault(error_class.http_status, []).append(error_class)
    return dict(sorted(groups.items()))


def shared_response_name(status: int, error_classes: Sequence[ErrorClass]) -> str | None:
    """Return the name of the response if every call of a kind has it, otherwise None."""
    for suffix, kind in _KINDS.items():
        if group_by_status(common_errors(**kind)).get(status) == error_classes:
            return STATUS_TEXTS[status][0] + suffix
    return None


def response_of(status: int, error_classes: Sequence[ErrorClass]) -> dict[str, Any]:
    """Return the response of a status: a problem with one of the codes, and an example for each."""
    codes = [error_class.code for error_class in error_classes]
    problem = {"$ref": "#/components/schemas/Problem"}
    narrowed = {"properties": {"status": {"const": status}, "code": {"enum": codes}}}
    references = {code: {"$ref": f"#/components/examples/problem-{code}"} for code in codes}
    headers = dict(HEADERS.get(status, {}))
    if errors.RequestInProgressError in error_classes:
        headers["Retry-After"] = _RETRY_AFTER
    return {
        "description": STATUS_TEXTS[status][1],
        **({"headers": headers} if headers else {}),
        "content": {MEDIA_TYPE: {"schema": {"allOf": [problem, narrowed]}, "examples": references}},
    }


def example_of(error_class: ErrorClass) -> dict[str, Any]:
    """Return the example of an error, whose `detail` is the error's meaning."""
    meaning = error_class.meaning()
    document = problem_document(error_class.http_status, error_class.code, meaning)
    return {"summary": error_class.code, "description": meaning, "value": document}
