"""How a refusal answers a form: its family gives the HTTP status, its words and code the text."""

from __future__ import annotations

from collections.abc import Sequence

from governance.vocabulary.errors import (
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
