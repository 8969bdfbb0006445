"""The HTTP status with which a page answers a form that was refused."""

from __future__ import annotations

from django.http import HttpRequest

from governance.domain.errors import GovernanceError


def form_status(request: HttpRequest, refusal: GovernanceError | None) -> int:
    """Return the status of a form's page: the refusal's, or 400 for a POST with invalid fields.

    An accepted POST redirects, so its page does not call this function.
    """
    if refusal:
        return refusal.http_status
    return 400 if request.method == "POST" else 200
