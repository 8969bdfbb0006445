"""How a refusal answers a form: its family gives the HTTP status, its words and code the text."""

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
    """400 mend it, 403 not you, 404 not there, 409 not now."""
    return next((status for family, status in STATUSES if isinstance(refusal, family)), 400)


def form_status(request: HttpRequest, refusal: GovernanceError | None) -> int:
    """What a form's page answers: the refusal's status, or 400 where a form could not be read."""
    if refusal:
        return http_status(refusal)
    return 400 if request.method == "POST" else 200
