"""Appending to a contract's chain; this module is the only writer of `LedgerEntry`.

`body` is canonical JSON of all values of the entry; `hash` is SHA-256 over the bytes of `prev_hash`
(32 zero bytes at the start), then over `body` in UTF-8. `append_entries.sql` makes both. The
contract's row is the lock of its chain: a caller locks it (`lock_contract`) before it appends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from governance.db.rows import fetch_rows
from governance.domain.canonical import canonical_text
from governance.domain.people import Actor
from governance.models import GovernanceJob, SystemContract
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


def lock_contract(contract_id: UUID) -> tuple[SystemContract, datetime]:
    """Lock a contract, and return it with the time of what is done to it in this transaction.

    Raises:
        NotFoundError: `contract_not_found`.
    """
    return SystemContract.objects.lock(contract_id), chain_now(contract_id)


def lock_job(job_id: UUID) -> tuple[GovernanceJob, datetime]:
    """Lock a job and its contract, and return the job with the time of what is done to it.

    Raises:
        NotFoundError: `job_not_found`.
    """
    job = GovernanceJob.objects.lock(job_id)
    return job, chain_now(job.contract_id)


def chain_now(contract_id: UUID) -> datetime:
    """Read the time of a contract's next entry: now, but never before its last entry.

    The caller has locked the contract.
    """
    now: datetime
    [(now,)] = fetch_rows("SELECT governance_chain_now(%s)", [contract_id])
    return now


def append_entries(
    *, contract_id: UUID, entries: Sequence[NewEntry], actor: Actor, at: datetime
) -> None:
    """Append `entries` in order, all with the same time and actor (a user), by one statement."""
    fetch_rows(
        "SELECT governance_append_entries(%s, %s, %s, %s)",
        [contract_id, actor_name(actor), at, entries_as_json(entries)],
    )


def entries_as_json(entries: Sequence[NewEntry]) -> str:
    """Serialize entries as the argument of the SQL functions that append them."""
    return json.dumps(
        [
            {
                "event": entry.event,
                "from_status": entry.from_status,
                "to_status": entry.to_status,
                "reason": entry.reason,
                "step_index": entry.step_index,
                "records": canonical_text(dict(entry.records)),
            }
            for entry in entries
        ]
    )


def entry_hash(prev_hash: bytes, body: str) -> bytes:
    """Compute an entry's hash, 32 bytes: SHA-256 over the previous hash, then over the body."""
    return hashlib.sha256(prev_hash + body.encode("utf-8")).digest()


def actor_name(actor: Actor) -> str:
    """Return the name of a user in the ledger: the id, which never changes, and the username."""
    return f"user:{actor.pk}:{actor.get_username()}"
