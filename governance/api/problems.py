"""Problem documents (RFC 9457): the only module that maps errors to HTTP."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from psycopg.errors import ReadOnlySqlTransaction
from rest_framework import exceptions
from rest_framework.settings import api_settings

from governance.domain import errors

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 50
MAX_TEXT_LENGTH = 500
RETRY_AFTER_SECONDS = 5
BUSY_SECONDS = 1

STATUS_BY_ERROR: Mapping[type[errors.GovernanceError], int] = {
    errors.KeyReusedError: 422,
    errors.InvalidInputError: 400,
    errors.WrongPersonError: 403,
    errors.ContractArchivedError: 410,
    errors.NotFoundError: 404,
    errors.WrongStateError: 409,
    errors.VersionMismatchError: 412,
    errors.StaleCopyError: 409,
    errors.BusyError: 503,
}


class LengthRequired(exceptions.APIException):
    """The refusal of a body without `Content-Length`.

    Django reads such a body as empty, so the call would run with default values.
    """

    status_code = 411
    default_code = "length_required"
    default_detail = "Send the body with a Content-Length; chunked bodies are not read."


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    faults: Sequence[Mapping[str, str]] = (),
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Build a response with a problem document; `type` and `title` are made from `code`."""
    document: dict[str, Any] = {
        "type": f"urn:govsite:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": _short(detail),
        "code": code,
    }
    if faults:
        document["errors"] = [
            {"path": _short(fault["path"]), "message": _short(fault["message"])}
            for fault in faults[:MAX_ERRORS]
        ]
    if details:
        document["details"] = dict(details)
    return JsonResponse(
        document,
        status=status,
        content_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def problem_response(exc: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """Turn an exception into a problem document, without a traceback: DRF's exception handler."""
    if isinstance(exc, errors.GovernanceError):
        return _governance_problem(exc)
    if isinstance(exc, Http404):
        exc = exceptions.NotFound("There is no such object.")
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, SuspiciousOperation | UnreadablePostError):
        return problem(400, "bad_request", "The request could not be read.")
    if isinstance(exc, exceptions.ValidationError):
        return _validation_problem(exc)
    if isinstance(exc, exceptions.APIException):
        return _http_problem(exc)
    if is_database_unavailable(exc):
        logger.error("The database did not answer the API: %s", exc)
        return database_unavailable()
    logger.error("Unexpected error in the API.", exc_info=exc)
    return problem(500, "internal_error", "An unexpected error occurred and has been logged.")


def is_database_unavailable(exc: BaseException | None) -> bool:
    """Whether the error means that the database is unreachable or read-only, as a replica is."""
    if isinstance(exc, OperationalError | InterfaceError):
        return True
    return isinstance(exc, InternalError) and isinstance(exc.__cause__, ReadOnlySqlTransaction)


def database_unavailable() -> HttpResponse:
    """Build the response of every call while the database is unavailable."""
    return problem(
        503,
        "database_unavailable",
        "The database does not answer; retry later.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


@csrf_exempt  # nothing is written here, and a POST to a wrong path must get JSON, not a 403 page
def unknown_address(request: HttpRequest, **_: Any) -> HttpResponse:
    """Return 404 for a path under the API that matches no view."""
    return problem(404, "not_found", "There is nothing at this path; paths end with a slash.")


def _governance_problem(governance_error: errors.GovernanceError) -> HttpResponse:
    status = next(
        (
            status
            for error_class, status in STATUS_BY_ERROR.items()
            if isinstance(governance_error, error_class)
        ),
        409,
    )
    details = dict(governance_error.details)
    faults = details.pop("errors", ())
    is_retryable = isinstance(governance_error, errors.BusyError | errors.RequestInProgressError)
    headers = {"Retry-After": str(BUSY_SECONDS)} if is_retryable else {}
    return problem(
        status,
        governance_error.code,
        str(governance_error),
        faults=faults,
        details=details,
        headers=headers,
    )


def _validation_problem(exc: exceptions.ValidationError) -> HttpResponse:
    faults = list(_faults(exc.detail))
    first = faults[0] if faults else {"path": "", "message": "is invalid"}
    detail = f"{first['path'] or 'the document'}: {first['message']}."
    return problem(400, "invalid_input", detail, faults=faults)


def _http_problem(exc: exceptions.APIException) -> HttpResponse:
    """Translate an error of DRF: 401, 403, 404, 405, 406, 411, 415 or 429."""
    headers = {}
    if auth_header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait))
    code = exc.get_codes()
    return problem(
        exc.status_code,
        code if isinstance(code, str) else exc.default_code,
        str(exc.detail),
        headers=headers,
    )


def _faults(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Flatten DRF's nested error details into paths and messages."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            if name == api_settings.NON_FIELD_ERRORS_KEY:
                yield from _faults(inner, path)
            elif isinstance(name, int):
                yield from _faults(inner, f"{path}[{name}]")
            else:
                yield from _faults(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list | tuple):
        for inner in detail:
            yield from _faults(inner, path)
    else:
        yield {"path": path, "message": str(detail).rstrip(".")}


def _short(text: str) -> str:
    """Cut a text and replace lone surrogates, since an error may echo what a client sent."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= MAX_TEXT_LENGTH else text[: MAX_TEXT_LENGTH - 1] + "…"
