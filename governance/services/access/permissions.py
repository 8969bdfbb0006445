"""The permission that makes an account a founder."""

from __future__ import annotations

from typing import Any

from governance.domain.errors import WrongPersonError

REVIEW_PERMISSION = "governance.review_contract"


def require_founder(person: Any) -> None:
    """Refuse an account that may not review contracts.

    Raises:
        WrongPersonError: the account is not active, or lacks the permission to review.
    """
    if not (person.is_active and person.has_perm(REVIEW_PERMISSION)):
        raise WrongPersonError("Only a founder can review contracts or freeze changes.")
