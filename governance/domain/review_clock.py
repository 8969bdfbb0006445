"""The clock of a review: it stands still from a founder's question to its answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta


def review_end(
    expires_at: datetime, pauses: Iterable[tuple[datetime, datetime | None]]
) -> datetime | None:
    """When the time for review is over, or None while a question is open.

    `pauses` holds (asked_at, answered_at) of each question, answered_at None where it is open.
    PostgreSQL's contract_review_clock law computes the same.
    """
    paused = timedelta()
    for asked_at, answered_at in pauses:
        if answered_at is None:
            return None
        paused += answered_at - asked_at
    return expires_at + paused
