"""Middleware that refuses requests which no view could read as the client meant them.

It refuses a NUL character, which PostgreSQL cannot store, before any view reads it. It refuses
another charset than UTF-8 even before Django, which decodes the address with that charset when it
creates the request. The API's parser and the admin's forms check the bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import parse_header_parameters

from governance.api.errors import (
    AddressTooLongError,
    BadRequestError,
    InvalidParameterError,
    UnsupportedMediaTypeError,
)
from governance.api.problems import error_response
from governance.domain.errors import GovernanceError

MAX_ADDRESS_BYTES = 4096  # of the path, and of the query; gunicorn limits the line to about as much
API = "/api/"

View = Callable[[HttpRequest], HttpResponseBase]
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def refuse_other_charsets(application: Application) -> Application:
    """Wrap a WSGI application: answer 415 to a request in another charset than UTF-8."""

    def middleware(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if _is_utf8(environ.get("CONTENT_TYPE", "")):
            return application(environ, start_response)
        path = environ.get("PATH_INFO", "")
        answer = _error_response(path, UnsupportedMediaTypeError("The request must be UTF-8."))
        start_response(f"415 {answer.reason_phrase}", list(answer.items()))
        return [answer.content]

    return middleware


def _is_utf8(content_type: str) -> bool:
    """Tell whether a media type neither names nor uses another charset than UTF-8."""
    try:
        _, parameters = parse_header_parameters(content_type)
    except ValueError:  # a parameter in a charset that does not exist
        return False
    return parameters.get("charset", "utf-8").lower() in {"utf-8", "utf8"}


def refuse_unreadable(get_response: View) -> View:
    """Middleware: answer 414 to a too long address, and 400 to a NUL or an unreadable `Accept`.

    Under `/api/` the response is a problem document, which names a parameter with a NUL.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return _refusal(request) or get_response(request)

    return middleware


def _refusal(request: HttpRequest) -> HttpResponse | None:
    path = request.path_info
    query = request.META.get("QUERY_STRING", "")
    if max(len(path.encode()), len(query)) > MAX_ADDRESS_BYTES:
        return _error_response(path, AddressTooLongError("The path or the query is too long."))
    if not all(map(_is_utf8, request.META.get("HTTP_ACCEPT", "").split(","))):
        return _error_response(path, BadRequestError("The header Accept cannot be read."))
    try:
        faulty = list(_parameters_with_nul(request))
    except SuspiciousOperation:  # more than DATA_UPLOAD_MAX_NUMBER_FIELDS parameters
        return _error_response(path, BadRequestError("The request could not be read."))
    if faulty:
        message = "must not contain the NUL character"
        faults = [{"path": name, "message": message} for name in faulty]
        return _error_response(
            path, InvalidParameterError("A parameter contains the NUL character.", errors=faults)
        )
    if "\x00" in path or any("\x00" in cookie for cookie in request.COOKIES.values()):
        return _error_response(
            path, BadRequestError("The address or a cookie contains the NUL character.")
        )
    return None


def _parameters_with_nul(request: HttpRequest) -> Iterator[str]:
    for name, values in request.GET.lists():
        if "\x00" in name or any("\x00" in value for value in values):
            yield name


def _error_response(path: str, error: GovernanceError) -> HttpResponse:
    if path.startswith(API):
        return error_response(error)
    return HttpResponse(
        f"{error}\n", status=error.http_status, content_type="text/plain; charset=utf-8"
    )
