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
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from governance.domain.canonical import canonical_text, timestamp
from governance.models import LedgerEntry
from governance.record.ledger.events import EVENTS

GENESIS = bytes(32)


class ChainHead(NamedTuple):
    """The last entry of a chain: its number and its hash; as it is here before the first."""

    seq: int = 0
    hash: bytes = GENESIS


@dataclass(frozen=True, slots=True)
class NewEntry:
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
    *, contract_id: UUID, entries: Sequence[NewEntry], actor: Any, at: datetime
) -> list[LedgerEntry]:
    """Append `entries` in order, all at `at` by `actor` (a user); two queries, however many."""
    rows = entries_after(
        chain_head(contract_id), contract_id=contract_id, entries=entries, actor=actor, at=at
    )
    return LedgerEntry.objects.bulk_create(LedgerEntry(**row) for row in rows)


def serialized_entries(
    head: ChainHead, *, contract_id: UUID, entries: Sequence[NewEntry], actor: Any, at: datetime
) -> str:
    """What `governance_append_entries` appends after `head`: for a story that is written by one
    call, which refuses it when the chain has another head by then. Writes nothing itself."""
    rows = entries_after(head, contract_id=contract_id, entries=entries, actor=actor, at=at)
    for row in rows:
        row["at"] = timestamp(at)
        row["prev_hash"] = "\\x" + row["prev_hash"].hex()
        row["hash"] = "\\x" + row["hash"].hex()
    return orjson.dumps(rows).decode()


def entries_after(
    head: ChainHead, *, contract_id: UUID, entries: Sequence[NewEntry], actor: Any, at: datetime
) -> list[dict[str, Any]]:
    """The columns of each of `entries`, as they follow `head`."""
    seq, prev_hash = head
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
        this_hash = entry_hash(prev_hash, body)
        rows.append(
            {
                "contract_id": contract_id,
                "seq": seq,
                "at": at,
                "actor": name,
                "event": entry.event,
                "from_status": str(entry.from_status),
                "to_status": str(entry.to_status),
                "reason": entry.reason,
                "step_index": entry.step_index,
                "body": body,
                "prev_hash": prev_hash,
                "hash": this_hash,
            }
        )
        prev_hash = this_hash
    return rows


def chain_head(contract_id: UUID) -> ChainHead:
    """The last entry of the contract's chain."""
    head = (
        LedgerEntry.objects.filter(contract_id=contract_id)
        .order_by("-seq")
        .values_list("seq", "hash")
        .first()
    )
    return ChainHead(head[0], bytes(head[1])) if head else ChainHead()


def entry_hash(prev_hash: bytes, body: str) -> bytes:
    """SHA-256 over the previous hash's bytes, then the body's: 32 bytes."""
    return hashlib.sha256(prev_hash + body.encode("utf-8")).digest()


def actor_name(actor: Any) -> str:
    """How the ledger names a user: by id, which never changes, and by name, which people read."""
    return f"user:{actor.pk}:{actor.get_username()}"
