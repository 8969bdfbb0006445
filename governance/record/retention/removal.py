"""Removal of archived contracts from the database; this module is the only writer of tombstones.

The owner of the tables runs it. A contract is removed completely or not at all. One transaction
reads its record again and compares it byte by byte with its file; then
`governance_remove_contracts` inserts the tombstone and deletes the rows, and the database guards of
`tombstones.sql` check that both agree.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from governance.db.app_role import require_owner
from governance.db.errors import translated_errors
from governance.domain.canonical import sha256_hex, timestamp
from governance.models import ContractTombstone, SystemContract
from governance.record.ledger.loading import load_contract_records, one_by_one_if_unreadable
from governance.record.retention.archive_directory import (
    ManifestEntry,
    manifest_entries,
    require_finished_archive,
)
from governance.record.retention.archive_verification import verify_archived_file
from governance.record.retention.document import contract_record_text

CONTRACTS_PER_BATCH = 100


class RemovalOutcome(StrEnum):
    """The outcome for a contract that an archive lists."""

    REMOVED = "removed"
    REMOVABLE = "removable"  # a confirmed call would remove it
    REMOVED_BEFORE = "removed_before"
    KEPT = "kept"  # because of its `problem`


@dataclass(frozen=True, slots=True)
class Removal:
    """The outcome for one contract, with its problem if it was kept."""

    contract_id: str
    reference: str
    outcome: RemovalOutcome
    problem: str | None = None


def remove_archived(
    folder: Path, *, at: datetime, using: str, is_confirmed: bool
) -> Iterator[Removal]:
    """Remove each contract that the archive lists, one transaction per batch.

    A contract is kept if its file does not verify, if its record differs from the file, or if it
    does not exist.

    Args:
        using: the alias of the connection of the tables' owner.
        is_confirmed: if false, only check and report.

    Raises:
        WrongPersonError: `not_the_owner`.
        WrongStateError: `not_migrated` or `archive_unfinished`.
        InvalidInputError: `bad_archive`, for the manifest.
        BusyError: if PostgreSQL rolled a batch back; earlier batches stay removed.
    """
    require_finished_archive(folder)
    with connections[using].cursor() as cursor:
        require_owner(cursor)
    lines = manifest_entries(folder)
    while batch := list(islice(lines, CONTRACTS_PER_BATCH)):
        tombstoned = _tombstones(batch, using=using)
        proven: list[ManifestEntry] = []
        for item in batch:
            if item.contract_id in tombstoned:
                yield _removed_before(item, tombstoned[item.contract_id])
            elif problem := verify_archived_file(folder, item).problem:
                yield _kept(item, problem)
            else:
                proven.append(item)
        remove = partial(_removed, at=at, using=using, is_confirmed=is_confirmed)
        yield from one_by_one_if_unreadable(proven, remove, _kept)


def _removed(items: Sequence[ManifestEntry], *, using: str, **options: Any) -> list[Removal]:
    """Remove a batch in one transaction."""
    with translated_errors(), transaction.atomic(using=using):
        return _removed_at_once(items, using=using, **options)


def _removed_at_once(
    items: Sequence[ManifestEntry], *, at: datetime, using: str, is_confirmed: bool
) -> list[Removal]:
    ids = [item.id for item in items]
    # A contract's row is the lock of its chain and its comments, so nothing is added from here on.
    locked = SystemContract.objects.using(using).filter(pk__in=ids).order_by("pk")
    list(locked.select_for_update().values_list("pk"))
    current = {
        one.contract.id: (one.contract, sha256_hex(contract_record_text(one)))
        for one in load_contract_records(ids, using=using)
    }
    # Another process may have removed some of them while this one waited for the locks.
    tombstoned = _tombstones([i for i in items if i.contract_id not in current], using=using)
    removals, tombstones = [], []
    for item in items:
        contract, sha256 = current.get(item.contract_id, (None, None))
        if item.contract_id in tombstoned:
            removals.append(_removed_before(item, tombstoned[item.contract_id]))
        elif contract is None:
            removals.append(_kept(item, "it is not in the database, and has no tombstone"))
        elif sha256 != item.sha256:
            removals.append(_kept(item, "the recorded data differs from the file"))
        else:
            outcome = RemovalOutcome.REMOVED if is_confirmed else RemovalOutcome.REMOVABLE
            removals.append(Removal(item.contract_id, item.reference, outcome))
            tombstones.append(_tombstone(item, contract, at))
    if tombstones and is_confirmed:
        with connections[using].cursor() as cursor:
            cursor.execute(
                "SELECT governance_remove_contracts(%s::jsonb)", [json.dumps(tombstones)]
            )
    return removals


def _tombstone(item: ManifestEntry, contract: SystemContract, at: datetime) -> dict[str, Any]:
    return {
        "contract_id": item.contract_id,
        "reference": item.reference,
        "proposal_digest": contract.proposal_digest,
        "parent_id": contract.parent_id,
        "status": item.status,
        "entries": item.entries,
        "head_sha256": item.head_sha256,
        "file_sha256": item.sha256,
        "archived_at": item.archived_at,
        "removed_at": timestamp(at),
    }


def _tombstones(items: Sequence[ManifestEntry], *, using: str) -> Mapping[str, ContractTombstone]:
    found = ContractTombstone.objects.using(using).in_bulk([UUID(i.contract_id) for i in items])
    return {str(contract_id): tombstone for contract_id, tombstone in found.items()}


def _removed_before(item: ManifestEntry, tombstone: ContractTombstone) -> Removal:
    if tombstone.file_sha256 == item.sha256:
        return Removal(item.contract_id, item.reference, RemovalOutcome.REMOVED_BEFORE)
    return _kept(item, "it was removed before, with another file")


def _kept(item: ManifestEntry, problem: str) -> Removal:
    return Removal(item.contract_id, item.reference, RemovalOutcome.KEPT, problem)
