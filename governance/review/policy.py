"""Who may decide."""

from __future__ import annotations

from typing import Any

from governance.vocabulary.errors import WrongPersonError

REVIEW_PERMISSION = "governance.review_contract"


def require_founder(person: Any) -> None:
    """Refuse whoever does not hold the permission to review, with WrongPersonError."""
    if not (person.is_active and person.has_perm(REVIEW_PERMISSION)):
        raise WrongPersonError("Only a founder reviews contracts.")
