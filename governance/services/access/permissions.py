"""The permission that makes an account a founder."""

from __future__ import annotations

from governance.domain.errors import WrongPersonError
from governance.domain.people import Actor

REVIEW_PERMISSION = "governance.review_contract"


def require_founder(person: Actor) -> None:
    """Refuse an account that may not review contracts.

    Raises:
        WrongPersonError: the account is not active, or lacks the permission to review.
    """
    if not (person.is_active and person.has_perm(REVIEW_PERMISSION)):
        raise WrongPersonError("Only a founder can review contracts or freeze changes.")
