"""Responses to failed requests; they tell the reader whether to try again."""

from __future__ import annotations

import sys

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import bad_request, server_error

from governance.api.problems import (
    RETRY_AFTER_SECONDS,
    database_unavailable,
    is_database_unavailable,
    unexpected_error,
    unreadable_request,
)

API_PREFIX = "/api/"


def failed_page(request: HttpRequest) -> HttpResponse:
    """Answer 503 with Retry-After while the database is unavailable, else 500 (`handler500`).

    The response needs no user and no session, because both need the database. For the API this
    handles errors outside its views; the API translates those of its views itself.
    """
    is_unavailable = is_database_unavailable(sys.exc_info()[1])
    if request.path.startswith(API_PREFIX):
        return database_unavailable() if is_unavailable else unexpected_error()
    if not is_unavailable:
        return server_error(request)
    return HttpResponse(
        render_to_string("503.html"),
        status=503,
        headers={"Retry-After": str(RETRY_AFTER_SECONDS), "Cache-Control": "no-store"},
    )


def unreadable_page(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400 (`handler400`); for a form that is too large, with a page that explains the limit.

    Under `/api/` the response is a problem document, also for a Host that is not allowed.
    """
    if request.path.startswith(API_PREFIX):
        return unreadable_request()
    if not isinstance(exception, TooManyFieldsSent | RequestDataTooBig):
        return bad_request(request, exception)
    limits = {
        "most_fields": settings.DATA_UPLOAD_MAX_NUMBER_FIELDS,
        "most_kib": settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024,
    }
    return HttpResponse(render_to_string("form_too_large.html", limits), status=400)
