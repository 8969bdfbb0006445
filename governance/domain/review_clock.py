"""The end of a review, which an open question of a founder pauses."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta


def review_end(
    expires_at: datetime, pauses: Iterable[tuple[datetime, datetime | None]]
) -> datetime | None:
    """Compute when the review ends; None while a question is open, because the review is paused.

    The database guard `contract_review_clock` computes the same.

    Args:
        expires_at: the end of a review without questions.
        pauses: (asked_at, answered_at) of each question; answered_at is None while it is open.
    """
    paused = timedelta()
    for asked_at, answered_at in pauses:
        if answered_at is None:
            return None
        paused += answered_at - asked_at
    return expires_at + paused
