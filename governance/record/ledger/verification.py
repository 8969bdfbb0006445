"""Verification of the ledger: recompute every chain, and compare the record with it.

For each contract it checks every hash and link, the columns of each entry against its body, each
row against the digest in its entry, the statuses against the last entries, and that each row that
needs an entry has one. The finding names the first entry that does not fit. Of a contract that was
archived and removed, only the tombstone may be left.
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

CONTRACTS_PER_BATCH = 40  # the rows of more contracts exceed the processor's cache
IDS_PER_BATCH = 2000
# The errors of reading a row that was changed into a value Python cannot hold.
_UNREADABLE = (DataError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of a chain; `seq` is the first entry that does not fit or is missing."""

    contract_id: UUID
    seq: int
    problem: str


@dataclass(frozen=True, slots=True)
class CheckedChain:
    """The result of checking one chain; `finding` is None if the chain verifies."""

    contract_id: UUID
    entries: int
    finding: Finding | None
    is_removed: bool = False


# Returns the archived record of a removed contract, or raises InvalidInputError if there is none.
ArchiveReader = Callable[[ContractTombstone], ContractRecord]


def verify_ledger(
    contract_ids: Sequence[UUID] | None = None, *, archived: ArchiveReader | None = None
) -> Iterator[CheckedChain]:
    """Verify the chains of these contracts, or of all, in the order of their ids.

    A batch is read in one snapshot, so that concurrent work is not mistaken for tampering, and is
    checked while the next batch is read. Memory does not grow with the number of contracts. The
    removed contracts come last; with `archived`, each is compared with its archived record.
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
    """Verify one contract's chain; return the result and the record that was verified.

    Both are None if there is no such contract. The record is None if it cannot be read.
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
    """Turn off the cyclic garbage collector, which would scan the rows of a batch repeatedly.

    The rows have no reference cycles, so their memory is freed after each batch without it.
    """
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
    """Read the records of a batch; a record that cannot be read is a finding.

    If the batch cannot be read, its contracts are read one by one, so that the others are checked.
    """
    try:
        with one_snapshot():
            return list(load_contract_records(batch, meanwhile=meanwhile))
    except _UNREADABLE as error:
        for _ in meanwhile:
            pass  # the failed query left this work unfinished
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
    """Find chains whose contract is missing, without a tombstone."""
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
    """Check the tombstones: nothing of the contract is left, and the archived record agrees."""
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
        return f"it was removed, and its archive file does not verify: {error}"
    return None


# The tables in which rows of a removed contract could be left. Foreign keys of all other tables
# refer to these.
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
    """Open a read-only transaction with one snapshot, or a savepoint in the open transaction."""
    with transaction.atomic():
        # The isolation level of an open transaction (a test's) cannot be changed any more.
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
