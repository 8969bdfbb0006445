"""Appending to a contract's chain; this module is the only writer of `LedgerEntry`.

`body` is canonical JSON of all values of the entry; `hash` is SHA-256 over the bytes of `prev_hash`
(32 zero bytes at the start), then over `body` in UTF-8. The contract's row is the lock of its
chain: a caller locks it (`SystemContract.objects.lock`) before it appends.
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
    """The number and hash of the last entry of a chain; the defaults are of an empty chain."""

    seq: int = 0
    hash: bytes = GENESIS


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry that an authority wants to append.

    `event` is one of `events.EVENTS`; its first part, `contract` or `job`, says whose status
    `from_status` and `to_status` are. `records` has the digests that `EVENTS` requires for the
    event; None states that there is no such row.
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
    """Append `entries` in order, all with the same time and actor (a user), by two queries."""
    rows = entries_after(
        chain_head(contract_id), contract_id=contract_id, entries=entries, actor=actor, at=at
    )
    return LedgerEntry.objects.bulk_create(LedgerEntry(**row) for row in rows)


def serialized_entries(
    head: ChainHead, *, contract_id: UUID, entries: Sequence[NewEntry], actor: Any, at: datetime
) -> str:
    """Serialize entries after `head` as JSON, for an SQL function that writes a whole operation.

    Nothing is written here. The SQL function appends the entries (`append_entries.sql`), and
    refuses if the chain has another head than `head` by then.
    """
    rows = entries_after(head, contract_id=contract_id, entries=entries, actor=actor, at=at)
    for row in rows:
        row["at"] = timestamp(at)
        row["prev_hash"] = "\\x" + row["prev_hash"].hex()
        row["hash"] = "\\x" + row["hash"].hex()
    return orjson.dumps(rows).decode()


def entries_after(
    head: ChainHead, *, contract_id: UUID, entries: Sequence[NewEntry], actor: Any, at: datetime
) -> list[dict[str, Any]]:
    """Compute the columns of each of `entries`, with their numbers and hashes after `head`."""
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
    """Read the head of the contract's chain."""
    head = (
        LedgerEntry.objects.filter(contract_id=contract_id)
        .order_by("-seq")
        .values_list("seq", "hash")
        .first()
    )
    return ChainHead(head[0], bytes(head[1])) if head else ChainHead()


def entry_hash(prev_hash: bytes, body: str) -> bytes:
    """Compute an entry's hash, 32 bytes: SHA-256 over the previous hash, then over the body."""
    return hashlib.sha256(prev_hash + body.encode("utf-8")).digest()


def actor_name(actor: Any) -> str:
    """Return the name of a user in the ledger: the id, which never changes, and the username."""
    return f"user:{actor.pk}:{actor.get_username()}"
