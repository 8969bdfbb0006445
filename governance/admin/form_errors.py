"""The HTTP status with which a page answers a form that was refused."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest

from governance.domain.errors import (
    GovernanceError,
    InvalidInputError,
    NotFoundError,
    StaleCopyError,
    WrongPersonError,
    WrongStateError,
)

STATUSES: Sequence[tuple[type[GovernanceError], int]] = (
    (InvalidInputError, 400),
    (WrongPersonError, 403),
    (NotFoundError, 404),
    (WrongStateError, 409),
    (StaleCopyError, 409),
)


def http_status(refusal: GovernanceError) -> int:
    """Return the HTTP status of the refusal's family, 400 for a family that is not listed."""
    return next((status for family, status in STATUSES if isinstance(refusal, family)), 400)


def form_status(request: HttpRequest, refusal: GovernanceError | None) -> int:
    """Return the status of a form's page: the refusal's, or 400 for a POST with invalid fields.

    An accepted POST redirects, so its page does not call this function.
    """
    if refusal:
        return http_status(refusal)
    return 400 if request.method == "POST" else 200
