"""The site's door: a request that nobody behind it could read as it was meant ends here.

What PostgreSQL could not be asked for is refused once, before any page or call looks at it; a
charset of the client's choosing even before Django, which decodes the address by it as soon as
there is a request. Bodies have readers of their own: the API's parser and the admin's forms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import parse_header_parameters

from governance.api.problems import problem

MAX_ADDRESS_BYTES = 4096  # bytes of the path, and of the query; gunicorn takes no more in one line
API = "/api/"

View = Callable[[HttpRequest], HttpResponseBase]
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def refuse_other_charsets(application: Application) -> Application:
    """WSGI middleware: 415 for a request that says it is written in anything but UTF-8."""

    def middleware(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if _is_utf8(environ.get("CONTENT_TYPE", "")):
            return application(environ, start_response)
        path = environ.get("PATH_INFO", "")
        answer = _error_response(path, 415, "unsupported_media_type", "Only UTF-8 is read here.")
        start_response(f"415 {answer.reason_phrase}", list(answer.items()))
        return [answer.content]

    return middleware


def _is_utf8(content_type: str) -> bool:
    """Whether a media type neither has a parameter in another charset nor asks for one."""
    try:
        _, parameters = parse_header_parameters(content_type)
    except ValueError:  # a parameter in a charset that does not exist
        return False
    return parameters.get("charset", "utf-8").lower() in {"utf-8", "utf8"}


def refuse_unreadable(get_response: View) -> View:
    """Middleware: 414 for an address without end, 400 for NUL and for an Accept that is none.

    Under the API the refusal is a problem document that names the parameter.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return _refusal(request) or get_response(request)

    return middleware


def _refusal(request: HttpRequest) -> HttpResponse | None:
    path = request.path_info
    query = request.META.get("QUERY_STRING", "")
    if max(len(path.encode()), len(query)) > MAX_ADDRESS_BYTES:
        return _error_response(
            path, 414, "address_too_long", "This address is too long to be one of ours."
        )
    if not all(map(_is_utf8, request.META.get("HTTP_ACCEPT", "").split(","))):
        return _error_response(path, 400, "bad_request", "The header Accept cannot be read.")
    try:
        faulty = list(_parameters_with_nul(request))
    except SuspiciousOperation:  # a thousand parameters and more
        return _error_response(path, 400, "bad_request", "The request could not be read.")
    if faulty:
        return _error_response(
            path, 400, "invalid_parameter", "NUL stands in a parameter.", *faulty
        )
    if "\x00" in path or any("\x00" in cookie for cookie in request.COOKIES.values()):
        return _error_response(
            path, 400, "bad_request", "NUL stands in the address or in a cookie."
        )
    return None


def _parameters_with_nul(request: HttpRequest) -> Iterator[str]:
    for name, values in request.GET.lists():
        if "\x00" in name or any("\x00" in value for value in values):
            yield name


def _error_response(path: str, status: int, code: str, text: str, *parameters: str) -> HttpResponse:
    if not path.startswith(API):
        return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
    message = "must not contain the NUL character"
    faults = [{"path": name, "message": message} for name in parameters]
    return problem(status, code, text, faults=faults)
