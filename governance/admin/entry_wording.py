"""Ledger entries in words, as the contract's page and the ledger page show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from governance.admin.wording import (
    CLOSING_REASONS,
    actor_in_words,
    event_in_words,
    job_end_in_words,
)
from governance.models import LedgerEntry


@dataclass(frozen=True, slots=True)
class LedgerEntryRow:
    """One ledger entry in words: actor, event, time, reason, status change and hash."""

    seq: int
    at: datetime
    who: str
    what: str
    subject: str
    from_status: str
    to_status: str
    reason: str
    hash: str

    @classmethod
    def of(cls, entry: LedgerEntry, **more: Any) -> Self:
        """Return the row of `entry`; `more` gives the fields that a subclass adds."""
        return cls(
            seq=entry.seq,
            at=_as_datetime(entry.at),
            who=actor_in_words(entry.actor),
            what=event_in_words(entry.event, entry.step_index),
            subject=entry.event.partition(".")[0],
            from_status=entry.from_status,
            to_status=entry.to_status,
            reason=_reason_of(entry),
            hash=bytes(entry.hash).hex(),
            **more,
        )


def _reason_of(entry: LedgerEntry) -> str:
    """Return the entry's reason in words; empty for a code, because the event says the same."""
    if entry.event.startswith("job.execution."):
        return job_end_in_words(entry.to_status, entry.reason)
    return "" if entry.reason in CLOSING_REASONS else entry.reason


def _as_datetime(at: datetime | str) -> datetime:
    """Convert a time that verification reads as the hashed text (`record/ledger/rows.py`)."""
    return datetime.fromisoformat(at) if isinstance(at, str) else at
