"""Prove that nothing was rewritten: recompute every chain and hold the record against it.

For each contract: every hash and link, every column against its entry's body, every row against
the digest that its entry vouches for, every status against the last entry, and every row that must
have an entry for the one it has. The first thing that does not fit is named. Of a contract that was
archived and removed its tombstone must be there, and nothing else.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import DataError, connection, transaction
from django.db.models import Count, Exists, Model, OuterRef

from governance.domain.errors import InvalidInputError
from governance.models import (
    ApprovalSignature,
    ClarificationRequest,
    ContractComment,
    ContractTombstone,
    GovernanceJob,
    LedgerEntry,
    SystemContract,
)
from governance.record.ledger.contract_record import ContractRecord
from governance.record.ledger.full_verification import first_problem
from governance.record.ledger.loading import load_contract_records

CONTRACTS_PER_BATCH = 40  # what is read of more outgrows the processor's cache
IDS_PER_BATCH = 2000
# What a row does that was rewritten into something Python cannot hold, such as endless nesting.
_UNREADABLE = (DataError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Finding:
    """`seq` is the first entry of the contract's chain that does not fit, or is missing."""

    contract_id: UUID
    seq: int
    problem: str


@dataclass(frozen=True, slots=True)
class CheckedChain:
    """One contract's chain, and what was wrong with it: None when it is whole."""

    contract_id: UUID
    entries: int
    finding: Finding | None
    is_removed: bool = False


# What an archive holds of a contract that has this tombstone; InvalidInputError says why nothing.
ArchiveReader = Callable[[ContractTombstone], ContractRecord]


def verify_ledger(
    contract_ids: Sequence[UUID] | None = None, *, archived: ArchiveReader | None = None
) -> Iterator[CheckedChain]:
    """Check these contracts, or all of them, in order of id; memory does not grow with them.

    Each batch is read in one snapshot, so that work going on meanwhile is not mistaken for
    tampering; and it is judged while the next one is read. Those that were removed come last, each
    held to what is `archived` of it, if given.
    """
    read: list[ContractRecord | CheckedChain] = []
    for batch in _batches(contract_ids):
        judged: list[CheckedChain] = []
        read = _read(batch, meanwhile=map(judged.append, map(_checked, read)))
        yield from judged
    yield from map(_checked, read)
    if contract_ids is None:
        yield from _chains_without_contract()
    yield from _removed_contracts(contract_ids, archived)


def verify_contract(contract_id: UUID) -> tuple[CheckedChain | None, ContractRecord | None]:
    """One contract's chain checked, and the record as it was then.

    None and None where there is no such contract; no record where it cannot even be read.
    """
    try:
        with one_snapshot():
            contract_record = next(load_contract_records([contract_id]), None)
        if contract_record is None:
            return None, None
        return _judged(contract_record), contract_record
    except _UNREADABLE as error:
        return _unreadable(contract_id, error), None


@contextmanager
def _no_collection() -> Iterator[None]:
    """Nobody looks for circles of garbage, again and again, among rows that are all in use; there
    are none, so what a batch took is free after it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_no_collection()
def _read(
    batch: Sequence[UUID], *, meanwhile: Iterator[None]
) -> list[ContractRecord | CheckedChain]:
    """The record of each of these contracts. One that cannot even be read is a finding, and no
    reason to stop at the others."""
    try:
        with one_snapshot():
            return list(load_contract_records(batch, meanwhile=meanwhile))
    except _UNREADABLE as error:
        for _ in meanwhile:
            pass  # what was left of it
        if len(batch) == 1:
            return [_unreadable(batch[0], error)]
    return [one for contract_id in batch for one in _read([contract_id], meanwhile=iter(()))]


def _checked(read: ContractRecord | CheckedChain) -> CheckedChain:
    if isinstance(read, CheckedChain):
        return read
    try:
        return _judged(read)
    except _UNREADABLE as error:
        return _unreadable(read.contract_id, error)


def _judged(contract_record: ContractRecord) -> CheckedChain:
    found = first_problem(contract_record)
    finding = Finding(contract_record.contract_id, *found) if found else None
    return CheckedChain(contract_record.contract_id, len(contract_record.entries), finding)


def _unreadable(contract_id: UUID, error: Exception) -> CheckedChain:
    problem = f"the record cannot be read: {type(error).__name__}"
    return CheckedChain(contract_id, 0, Finding(contract_id, 1, problem))


def _chains_without_contract() -> Iterator[CheckedChain]:
    """A contract that was taken away leaves its chain behind."""
    contract = SystemContract.objects.filter(pk=OuterRef("contract_id"))
    tombstone = ContractTombstone.objects.filter(pk=OuterRef("contract_id"))
    left = LedgerEntry.objects.filter(~Exists(contract), ~Exists(tombstone)).order_by("contract_id")
    for contract_id, entries in left.values_list("contract_id").annotate(Count("pk")):
        yield CheckedChain(
            contract_id, entries, Finding(contract_id, 1, "there is no such contract")
        )


def _removed_contracts(
    contract_ids: Sequence[UUID] | None, archived: ArchiveReader | None
) -> Iterator[CheckedChain]:
    """Tombstones: nothing of their contracts is left, and no archive says anything else."""
    left = {
        name: Exists(model._default_manager.filter(**{column: OuterRef("pk")}))
        for name, (model, column) in _LEFT_BEHIND.items()
    }
    waiting = ContractTombstone.objects.order_by("pk").annotate(**left)
    if contract_ids is not None:
        waiting = waiting.filter(pk__in=contract_ids)
    for tombstone in waiting.iterator(chunk_size=CONTRACTS_PER_BATCH):
        contract_id = tombstone.contract_id
        rest = [name for name in _LEFT_BEHIND if getattr(tombstone, name)]
        problem = f"it was removed, but this is left: {', '.join(rest)}" if rest else None
        if archived and not problem:
            problem = _problem_of_archived(tombstone, archived)
        finding = Finding(contract_id, 1, problem) if problem else None
        yield CheckedChain(contract_id, 0, finding, is_removed=True)


def _problem_of_archived(tombstone: ContractTombstone, archived: ArchiveReader) -> str | None:
    try:
        archived(tombstone)
    except InvalidInputError as error:
        return f"it was removed, and its file does not prove it: {error}"
    return None


# What may be left of a contract that was removed; what hangs on these hangs by foreign keys.
_LEFT_BEHIND: Mapping[str, tuple[type[Model], str]] = {
    "contract": (SystemContract, "pk"),
    "chain": (LedgerEntry, "contract_id"),
    "job": (GovernanceJob, "contract_id"),
    "questions": (ClarificationRequest, "contract_id"),
    "signatures": (ApprovalSignature, "contract_id"),
    "comments": (ContractComment, "contract_id"),
}


@contextmanager
def one_snapshot() -> Iterator[None]:
    """A read-only transaction that sees one moment, unless one is open already."""
    with transaction.atomic():
        # Inside somebody else's transaction (a test's) it is too late to ask for a snapshot.
        if not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _batches(contract_ids: Sequence[UUID] | None) -> Iterator[Sequence[UUID]]:
    for ids in _all_ids() if contract_ids is None else [contract_ids]:
        for start in range(0, len(ids), CONTRACTS_PER_BATCH):
            yield ids[start : start + CONTRACTS_PER_BATCH]


def _all_ids() -> Iterator[Sequence[UUID]]:
    waiting = SystemContract.objects.order_by("pk").values_list("pk", flat=True)
    ids = list(waiting[:IDS_PER_BATCH])
    while ids:
        yield ids
        ids = list(waiting.filter(pk__gt=ids[-1])[:IDS_PER_BATCH])
