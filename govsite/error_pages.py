"""What the site answers when a page fails: whoever reads it learns whether to try again."""

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
    problem,
)

API_PREFIX = "/api/"


def failed_page(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: 503 with Retry-After while the database is away, else 500.

    It needs no database itself, nor anything that would ask one: no user, no session. The API
    translates what its views raise; here it hears of what failed around them.
    """
    is_unavailable = is_database_unavailable(sys.exc_info()[1])
    if request.path.startswith(API_PREFIX):
        if is_unavailable:
            return database_unavailable()
        return problem(
            500, "internal_error", "Something unexpected went wrong; it has been logged."
        )
    if not is_unavailable:
        return server_error(request)
    return HttpResponse(
        render_to_string("503.html"),
        status=503,
        headers={"Retry-After": str(RETRY_AFTER_SECONDS), "Cache-Control": "no-store"},
    )


def unreadable_page(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler400`: a form that was too large to be read says so, and what to do.

    Under the API it is a problem document, for a Host that is not ours as well.
    """
    if request.path.startswith(API_PREFIX):
        return problem(400, "bad_request", "The request could not be read.")
    if not isinstance(exception, TooManyFieldsSent | RequestDataTooBig):
        return bad_request(request, exception)
    limits = {
        "most_fields": settings.DATA_UPLOAD_MAX_NUMBER_FIELDS,
        "most_kib": settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024,
    }
    return HttpResponse(render_to_string("form_too_large.html", limits), status=400)
