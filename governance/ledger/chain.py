"""Append entries to a contract's chain: the only writer of `LedgerEntry`.

`body` is canonical JSON of everything the entry says; `hash` = SHA-256 over the raw bytes of
`prev_hash` (32 zero bytes at the start), then `body` in UTF-8. The contract's row is the chain's
lock: a caller holds it (`SystemContract.objects.lock`) before it appends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.ledger.events import EVENTS
from governance.models import LedgerEntry
from governance.vocabulary.canonical import canonical_text, timestamp

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Entry:
    """What an authority wants told.

    `event` is one of `events.EVENTS`; its first part says whose status `from_status` and
    `to_status` are. `records` holds the digests that `EVENTS` demands of it; None says that the
    row is absent, knowingly.
    """

    event: str
    from_status: str = ""
    to_status: str = ""
    reason: str = ""
    step_index: int | None = None
    records: Mapping[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.records) not in EVENTS[self.event]:
            raise ValueError(f"{self.event} does not vouch for {sorted(self.records)}.")


def append_entries(
    *, contract_id: UUID, entries: Sequence[Entry], actor: Any, at: datetime
) -> list[LedgerEntry]:
    """Append `entries` in order, all at `at` by `actor` (a user); two queries, however many."""
    seq, prev_hash = chain_head(contract_id)
    name = actor_name(actor)
    rows = []
    for entry in entries:
        seq += 1
        body = canonical_text(
            {
                "contract_id": str(contract_id),
                "seq": seq,
                "at": timestamp(at),
                "actor": name,
                "event": entry.event,
                "from_status": entry.from_status,
                "to_status": entry.to_status,
                "reason": entry.reason,
                "step_index": entry.step_index,
                "records": dict(entry.records),
            }
        )
        row = LedgerEntry(
            contract_id=contract_id,
            seq=seq,
            at=at,
            actor=name,
            event=entry.event,
            from_status=entry.from_status,
            to_status=entry.to_status,
            reason=entry.reason,
            step_index=entry.step_index,
            body=body,
            prev_hash=prev_hash,
            hash=entry_hash(prev_hash, body),
        )
        rows.append(row)
        prev_hash = bytes(row.hash)
    return LedgerEntry.objects.bulk_create(rows)


def chain_head(contract_id: UUID) -> tuple[int, bytes]:
    """(seq, hash) of the last entry; (0, 32 zero bytes) where there is none."""
    head = (
        LedgerEntry.objects.filter(contract_id=contract_id)
        .order_by("-seq")
        .values_list("seq", "hash")
        .first()
    )
    return (head[0], bytes(head[1])) if head else (0, GENESIS)


def entry_hash(prev_hash: bytes, body: str) -> bytes:
    """SHA-256 over the previous hash's bytes, then the body's: 32 bytes."""
    return hashlib.sha256(prev_hash + body.encode("utf-8")).digest()


def actor_name(actor: Any) -> str:
    """How the ledger names a user: by id, which never changes, and by name, which people read."""
    return f"user:{actor.pk}:{actor.get_username()}"
