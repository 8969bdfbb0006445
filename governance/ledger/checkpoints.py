"""Checkpoints: what every chain was at one moment, signed, kept outside the database.

A checkpoint is a file of lines. Each line but the last is one chain: its contract, its length, its
head, and a `trail` of the first four bytes of every entry's hash, base64. The last line is a DSSE
envelope over the Merkle root of the lines before it, their number and the time. Who rewrites a
chain and hashes all of it anew, cuts its tail, or restores an older backup cannot make the old
checkpoint agree; the trail tells where the chain parts from it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.ledger.envelopes import CHECKPOINT_TYPE, open_envelope, sign_envelope
from governance.ledger.merkle import MerkleTree
from governance.ledger.verification import Finding, one_snapshot
from governance.models import LedgerEntry
from governance.vocabulary.canonical import canonical_text, timestamp
from governance.vocabulary.errors import InvalidInputError

VERSION = "1.0.0"
CHAINS_AT_ONCE = 500
PREFIX = 4  # bytes of each hash in the trail: enough to find a place, the head proves it


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the signed last line says."""

    taken_at: str
    chains: int
    merkle_root: str


@dataclass(frozen=True, slots=True)
class _Chain:
    contract_id: UUID
    hashes: Sequence[bytes]


def checkpoint_lines(*, key: Ed25519PrivateKey, at: datetime) -> Iterator[str]:
    """The lines of a checkpoint of all chains, in order of contract id, of one snapshot."""
    tree = MerkleTree()
    with one_snapshot():
        rows = (
            LedgerEntry.objects.order_by("contract_id", "seq")
            .values_list("contract_id", "hash")
            .iterator(chunk_size=5000)
        )
        for contract_id, entries in groupby(rows, key=lambda row: row[0]):
            line = _line(_Chain(contract_id, [bytes(row[1]) for row in entries]))
            tree.add(line.encode())
            yield line
    statement = {
        "version": VERSION,
        "taken_at": timestamp(at),
        "chains": tree.size,
        "merkle_root": tree.root.hex(),
    }
    payload = canonical_text(statement).encode()
    yield canonical_text(sign_envelope(payload, payload_type=CHECKPOINT_TYPE, key=key))


def read_checkpoint(lines: Iterable[str], *, key: Ed25519PublicKey) -> Checkpoint:
    """The checkpoint in `lines`, if `key` signed exactly these; else InvalidInputError."""
    tree = MerkleTree()
    last: str | None = None
    for line in lines:
        if last is not None:
            tree.add(last.encode())
        last = line.rstrip("\n")
    try:
        envelope = json.loads(last or "")
    except (ValueError, RecursionError):
        raise _unusable("its last line is no signature") from None
    payload = json.loads(open_envelope(envelope, payload_type=CHECKPOINT_TYPE, key=key))
    if payload.get("version") != VERSION:
        raise _unusable(f"its version is {payload.get('version')}")
    if (payload["chains"], payload["merkle_root"]) != (tree.size, tree.root.hex()):
        raise _unusable("its lines are not those that were signed")
    return Checkpoint(payload["taken_at"], payload["chains"], payload["merkle_root"])


def compare_with_checkpoint(lines: Iterable[str]) -> Iterator[Finding]:
    """Each chain that is not, or does not begin with, what the checkpoint says of it.

    `lines` are those of a checkpoint that `read_checkpoint` accepted.
    """
    batch: list[dict[str, Any]] = []
    for line in lines:
        chain = json.loads(line)
        if "contract" in chain:
            batch.append(chain)
        if len(batch) == CHAINS_AT_ONCE:
            yield from _compare(batch)
            batch = []
    yield from _compare(batch)


def _compare(batch: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    standing: dict[str, list[bytes]] = {chain["contract"]: [] for chain in batch}
    rows = (
        LedgerEntry.objects.filter(contract_id__in=[UUID(name) for name in standing])
        .order_by("contract_id", "seq", "pk")
        .values_list("contract_id", "hash")
    )
    for contract_id, value in rows:
        standing[str(contract_id)].append(bytes(value))
    for chain in batch:
        hashes = standing[chain["contract"]][: chain["seq"]]
        trail = base64.b64decode(chain["trail"])
        is_whole = len(hashes) == chain["seq"] and hashes[-1].hex() == chain["head"]
        # The head is right too where an entry before it was rewritten, and nothing after that.
        if is_whole and _trail_of(hashes) == trail:
            continue
        # A forger may hit the few bytes of the trail; then it is the head that parts.
        seq = min(_first_parting(hashes, trail), chain["seq"])
        problem = "is missing" if seq > len(hashes) else "is not what the checkpoint signed"
        yield Finding(UUID(chain["contract"]), seq, problem)


def _trail_of(hashes: Sequence[bytes]) -> bytes:
    return b"".join(value[:PREFIX] for value in hashes)


def _first_parting(hashes: Sequence[bytes], trail: bytes) -> int:
    for number, value in enumerate(hashes):
        if value[:PREFIX] != trail[number * PREFIX : (number + 1) * PREFIX]:
            return number + 1
    return len(hashes) + 1


def _line(chain: _Chain) -> str:
    return canonical_text(
        {
            "contract": str(chain.contract_id),
            "seq": len(chain.hashes),
            "head": chain.hashes[-1].hex(),
            "trail": base64.b64encode(_trail_of(chain.hashes)).decode(),
        }
    )


def _unusable(why: str) -> InvalidInputError:
    return InvalidInputError(f"This checkpoint cannot be used: {why}.", code="bad_checkpoint")
