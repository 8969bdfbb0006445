"""Problem documents (RFC 9457): the only module that makes responses of errors."""

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

from governance.api.errors import (
    BadRequestError,
    DatabaseUnavailableError,
    TooManyStreamsError,
    UnexpectedError,
)
from governance.domain.errors import Advice, GovernanceError, InvalidInputError, NotFoundError
from governance.domain.texts import cut_text

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 50
MAX_TEXT_LENGTH = 500
RETRY_AFTER_SECONDS = 5
BUSY_SECONDS = 1


def problem_response(exc: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """Turn an exception into a problem document, without a traceback: DRF's exception handler."""
    if isinstance(exc, exceptions.ValidationError):
        return error_response(_invalid_input(exc))
    if isinstance(exc, exceptions.APIException):
        return _drf_response(exc)
    if isinstance(exc, GovernanceError):
        return error_response(exc)
    if isinstance(exc, Http404):
        return error_response(NotFoundError("There is no such object."))
    if isinstance(exc, PermissionDenied):
        return _drf_response(exceptions.PermissionDenied())
    if isinstance(exc, SuspiciousOperation | UnreadablePostError):
        return unreadable_request()
    if is_database_unavailable(exc):
        logger.error("The database did not answer the API: %s", exc)
        return database_unavailable()
    logger.error("Unexpected error in the API.", exc_info=exc)
    return unexpected_error()


def error_response(error: GovernanceError) -> HttpResponse:
    """Build the response of a declared error."""
    details = dict(error.details)
    faults = details.pop("errors", ())
    headers = {}
    if error.advice is Advice.RETRY:
        is_unavailable = isinstance(error, DatabaseUnavailableError | TooManyStreamsError)
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS if is_unavailable else BUSY_SECONDS)
    document = problem_document(
        error.http_status, error.code, str(error), faults=faults, details=details
    )
    return _response(document, headers)


def problem_document(
    status: int,
    code: str,
    detail: str,
    *,
    faults: Sequence[Mapping[str, str]] = (),
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build a problem document; `type` and `title` are made from `code`."""
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
    return document


def is_database_unavailable(exc: BaseException | None) -> bool:
    """Whether the error means that the database is unreachable or read-only, as a replica is."""
    if isinstance(exc, OperationalError | InterfaceError):
        return True
    return isinstance(exc, InternalError) and isinstance(exc.__cause__, ReadOnlySqlTransaction)


# --- responses to requests that no view can answer ---
def database_unavailable() -> HttpResponse:
    """Build the response of every call while the database is unavailable."""
    return error_response(DatabaseUnavailableError("The database does not answer; retry later."))


def unexpected_error() -> HttpResponse:
    """Build the response to a request that met an error in the server."""
    return error_response(UnexpectedError("An unexpected error occurred and has been logged."))


def unreadable_request() -> HttpResponse:
    """Build the response to a request that Django cannot read."""
    return error_response(BadRequestError("The request could not be read."))


@csrf_exempt  # nothing is written here, and a POST to a wrong path must get JSON, not a 403 page
def unknown_address(request: HttpRequest, **_: Any) -> HttpResponse:
    """Return 404 for a path under the API that matches no view."""
    return error_response(NotFoundError("There is nothing at this path; paths end with a slash."))


def _response(document: Mapping[str, Any], headers: Mapping[str, str]) -> HttpResponse:
    return JsonResponse(
        document,
        status=document["status"],
        content_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **headers},
    )


def _invalid_input(exc: exceptions.ValidationError) -> InvalidInputError:
    faults = list(_faults(exc.detail))
    first = faults[0] if faults else {"path": "", "message": "is invalid"}
    return InvalidInputError(
        f"{first['path'] or 'the document'}: {first['message']}.", errors=faults
    )


def _drf_response(exc: exceptions.APIException) -> HttpResponse:
    """Translate an error of DRF: 401, 403, 404, 405, 406, 415 or 429."""
    headers = {}
    if auth_header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait))
    code = exc.get_codes()
    return _response(
        problem_document(
            exc.status_code, code if isinstance(code, str) else exc.default_code, str(exc.detail)
        ),
        headers,
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
    return cut_text(text, MAX_TEXT_LENGTH)
