"""Checkpoints: the state of every chain at one time, signed, and stored outside the database.

A checkpoint is a file of lines. Each line but the last is about one chain: its contract, length and
head, and a `trail` of the first four bytes of every entry's hash in base64. For a contract that was
archived and removed the line has the values of its tombstone (`removed`). The last line is a DSSE
envelope over the Merkle root of the other lines, their number and the time. A chain that was hashed
anew, a chain that was cut, and an older backup all differ from an older checkpoint; the trail shows
the first entry that differs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.domain.canonical import canonical_text, timestamp
from governance.domain.errors import BadCheckpointError, InvalidInputError
from governance.models import ContractTombstone, LedgerEntry
from governance.record.attest.envelopes import CHECKPOINT_TYPE, open_envelope, sign_envelope
from governance.record.attest.merkle import MerkleTree
from governance.record.ledger.verification import ArchiveReader, Finding, one_snapshot

VERSION = "1.1.0"
KNOWN_VERSIONS = ("1.0.0", VERSION)  # 1.0.0 has no removed contracts
CHAINS_PER_BATCH = 500
PREFIX = 4  # bytes of each hash in the trail: enough to find an entry; the head is the proof


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The values in the signed last line of a checkpoint."""

    taken_at: str
    chains: int
    merkle_root: str
    removed: int = 0


def checkpoint_lines(*, key: Ed25519PrivateKey, at: datetime) -> Iterator[str]:
    """Yield the lines of a checkpoint of all chains, in one snapshot, in the order of contract ids.

    The lines of removed contracts come after them.
    """
    tree = MerkleTree()
    with one_snapshot():
        rows = (
            LedgerEntry.objects.order_by("contract_id", "seq")
            .values_list("contract_id", "hash")
            .iterator(chunk_size=5000)
        )
        for contract_id, entries in groupby(rows, key=lambda row: row[0]):
            line = canonical_text(_chain_fields(contract_id, [bytes(row[1]) for row in entries]))
            tree.add(line.encode())
            yield line
        chains = tree.size
        for tombstone in ContractTombstone.objects.order_by("pk").iterator(chunk_size=5000):
            line = canonical_text(_tombstone_fields(tombstone))
            tree.add(line.encode())
            yield line
    statement = {
        "version": VERSION,
        "taken_at": timestamp(at),
        "chains": chains,
        "removed": tree.size - chains,
        "merkle_root": tree.root.hex(),
    }
    payload = canonical_text(statement).encode()
    yield canonical_text(sign_envelope(payload, payload_type=CHECKPOINT_TYPE, key=key))


def read_checkpoint(lines: Iterable[str], *, key: Ed25519PublicKey) -> Checkpoint:
    """Read a checkpoint, and check that `key` signed exactly these lines.

    Raises:
        InvalidInputError: `bad_checkpoint`, `bad_envelope` or `bad_signature`.
    """
    tree = MerkleTree()
    last: str | None = None
    for line in lines:
        if last is not None:
            tree.add(last.encode())
        last = line.rstrip("\n")
    try:
        envelope = json.loads(last or "")
    except (ValueError, RecursionError):
        raise _unusable("its last line is not a signature") from None
    payload = json.loads(open_envelope(envelope, payload_type=CHECKPOINT_TYPE, key=key))
    if payload.get("version") not in KNOWN_VERSIONS:
        raise _unusable(f"its version is {payload.get('version')}")
    chains, removed = payload["chains"], payload.get("removed", 0)
    if (chains + removed, payload["merkle_root"]) != (tree.size, tree.root.hex()):
        raise _unusable("its lines are not those that were signed")
    return Checkpoint(payload["taken_at"], chains, payload["merkle_root"], removed)


def compare_with_checkpoint(
    lines: Iterable[str], *, archived: ArchiveReader | None = None
) -> Iterator[Finding]:
    """Find each chain that does not begin with the chain in the checkpoint.

    A removed chain must have a tombstone with at least as many entries, and with the same head if
    the number is equal; with `archived`, every entry of its archived record is compared. A
    tombstone in the checkpoint must be unchanged.

    Args:
        lines: the lines of a checkpoint that `read_checkpoint` accepted.
    """
    stated = (json.loads(line) for line in lines)
    chains = (one for one in stated if "contract" in one or "removed" in one)
    while batch := list(islice(chains, CHAINS_PER_BATCH)):
        yield from _compare(batch, archived)


def _compare(batch: Sequence[dict[str, Any]], archived: ArchiveReader | None) -> Iterator[Finding]:
    ids = [UUID(stated.get("contract") or stated["removed"]) for stated in batch]
    hashes: dict[UUID, list[bytes]] = {contract_id: [] for contract_id in ids}
    rows = LedgerEntry.objects.filter(contract_id__in=ids).order_by("contract_id", "seq", "pk")
    for contract_id, value in rows.values_list("contract_id", "hash"):
        hashes[contract_id].append(bytes(value))
    # Read after the entries, so that a contract removed meanwhile has its tombstone.
    tombstones = ContractTombstone.objects.in_bulk(ids)
    for contract_id, stated in zip(ids, batch, strict=True):
        tombstone = tombstones.get(contract_id)
        if "removed" in stated:
            problem = _problem_of_tombstone(stated, tombstone)
        elif tombstone and not hashes[contract_id]:
            problem = _problem_of_removed(stated, tombstone, archived)
        else:
            problem = _problem_of_chain(stated, hashes[contract_id])
        if problem:
            yield Finding(contract_id, *problem)


def _problem_of_chain(chain: Mapping[str, Any], current: Sequence[bytes]) -> tuple[int, str] | None:
    """Find the first entry that differs from the chain in the checkpoint, or is missing."""
    hashes = current[: chain["seq"]]
    trail = base64.b64decode(chain["trail"])
    is_whole = len(hashes) == chain["seq"] and hashes[-1].hex() == chain["head"]
    # The head alone is not enough: it is unchanged if only an entry before it was changed.
    if is_whole and _trail_of(hashes) == trail:
        return None
    # A forger can match the few bytes of the trail; then only the head differs.
    seq = min(_first_difference(hashes, trail), chain["seq"])
    return seq, "is missing" if seq > len(hashes) else "differs from the checkpoint"


def _problem_of_removed(
    chain: Mapping[str, Any], tombstone: ContractTombstone, archived: ArchiveReader | None
) -> tuple[int, str] | None:
    """Compare a chain with its tombstone, which shows whether the chain was cut before removal.

    With `archived`, every entry of the archived record is compared.
    """
    seq = chain["seq"]
    if tombstone.entries < seq:
        return seq, f"was removed with only {tombstone.entries} entries"
    if tombstone.entries == seq and tombstone.head_sha256 != chain["head"]:
        return seq, "was removed with another head than the checkpoint's"
    if archived is None:
        return None
    try:
        return _problem_of_chain(chain, [entry.hash for entry in archived(tombstone).entries])
    except InvalidInputError as error:
        return 1, f"was removed, and its archive has no proof: {error}"


def _problem_of_tombstone(
    stated: Mapping[str, Any], tombstone: ContractTombstone | None
) -> tuple[int, str] | None:
    if tombstone is None:
        return 1, "its tombstone is missing"
    if _tombstone_fields(tombstone) != stated:
        return 1, "its tombstone differs from the checkpoint"
    return None


def _tombstone_fields(tombstone: ContractTombstone) -> dict[str, Any]:
    return {
        "removed": str(tombstone.contract_id),
        "seq": tombstone.entries,
        "head": tombstone.head_sha256,
        "file": tombstone.file_sha256,
    }


def _trail_of(hashes: Sequence[bytes]) -> bytes:
    return b"".join(value[:PREFIX] for value in hashes)


def _first_difference(hashes: Sequence[bytes], trail: bytes) -> int:
    for number, value in enumerate(hashes):
        if value[:PREFIX] != trail[number * PREFIX : (number + 1) * PREFIX]:
            return number + 1
    return len(hashes) + 1


def _chain_fields(contract_id: UUID, hashes: Sequence[bytes]) -> dict[str, Any]:
    return {
        "contract": str(contract_id),
        "seq": len(hashes),
        "head": hashes[-1].hex(),
        "trail": base64.b64encode(_trail_of(hashes)).decode(),
    }


def _unusable(why: str) -> InvalidInputError:
    return BadCheckpointError(f"This checkpoint cannot be used: {why}.")
