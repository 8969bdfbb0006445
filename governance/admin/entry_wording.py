"""A ledger entry as a line that people read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from governance.admin.wording import actor_in_words, event_in_words
from governance.models import LedgerEntry


@dataclass(frozen=True, slots=True)
class LedgerEntryRow:
    """Who did what, when and why; what moved by it; and the entry's hash."""

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
        """The line of `entry`, with whatever `more` a kind of line says."""
        return cls(
            seq=entry.seq,
            at=_as_datetime(entry.at),
            who=actor_in_words(entry.actor),
            what=event_in_words(entry.event, entry.step_index),
            subject=entry.event.partition(".")[0],
            from_status=entry.from_status,
            to_status=entry.to_status,
            reason=entry.reason,
            hash=bytes(entry.hash).hex(),
            **more,
        )


def _as_datetime(at: datetime | str) -> datetime:
    """Whoever verifies reads times as the texts that were hashed (`record/ledger/rows.py`)."""
    return datetime.fromisoformat(at) if isinstance(at, str) else at
