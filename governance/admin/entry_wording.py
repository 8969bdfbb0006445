"""Ledger entries in words, as the contract's page and the ledger page show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from governance.admin.wording import (
    actor_in_words,
    event_in_words,
    job_end_in_words,
    parse_actor,
    split_closing,
)
from governance.models import Account, LedgerEntry


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
    def of(cls, entry: LedgerEntry, names: Mapping[int, str], **more: Any) -> Self:
        """Return the row of `entry`; `more` gives the fields that a subclass adds.

        Args:
            names: the result of `present_names`.
        """
        return cls(
            seq=entry.seq,
            at=_as_datetime(entry.at),
            who=actor_in_words(entry.actor, names),
            what=event_in_words(entry.event, entry.step_index),
            subject=entry.event.partition(".")[0],
            from_status=entry.from_status,
            to_status=entry.to_status,
            reason=_reason_of(entry),
            hash=bytes(entry.hash).hex(),
            **more,
        )


def present_names(entries: Iterable[LedgerEntry]) -> dict[int, str]:
    """Return the present usernames of the accounts that the entries name, by id; one query."""
    ids = {pk for pk, _ in map(parse_actor, (one.actor for one in entries)) if pk is not None}
    return dict(Account.objects.filter(pk__in=ids).values_list("pk", "username"))


def _reason_of(entry: LedgerEntry) -> str:
    """Return the entry's reason in words; empty for a code, because the event says the same."""
    if entry.event.startswith("job.execution."):
        return job_end_in_words(entry.to_status, entry.reason)
    return split_closing(entry.reason)[1]


def _as_datetime(at: datetime | str) -> datetime:
    """Convert a time that verification reads as the hashed text (`record/ledger/rows.py`)."""
    return datetime.fromisoformat(at) if isinstance(at, str) else at
