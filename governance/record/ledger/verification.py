"""Verification of the ledger: recompute every chain, and compare the record with it.

For each contract it checks every hash and link, the columns of each entry against its body, each
row against the digest in its entry, the statuses against the last entries, and that each row that
needs an entry has one. The finding names the first entry that does not fit. Of a contract that was
archived and removed, only the tombstone may be left.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context, parent_process
from typing import Any
from uuid import UUID

from django.db import connection, connections, transaction
from django.db.models import Count, Exists, F, Func, OuterRef, TextField

from governance.domain.errors import InvalidInputError
from governance.models import ContractTombstone, LedgerEntry, SystemContract
from governance.record.ledger.chain_verification import first_problem
from governance.record.ledger.contract_record import ContractRecord
from governance.record.ledger.loading import load_contract_records, one_by_one_if_unreadable

CONTRACTS_PER_BATCH = 100  # read in one snapshot
CONTRACTS_PER_RANGE = 200  # verified by one process, and then reported


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


# The result for one contract, and the record that was verified, or None if it cannot be read.
_Verified = tuple[CheckedChain, ContractRecord | None]
# Returns the archived record of a removed contract, or raises InvalidInputError if there is none.
ArchiveReader = Callable[[ContractTombstone], ContractRecord]


def verify_ledger(
    contract_ids: Sequence[UUID] | None = None,
    *,
    archived: ArchiveReader | None = None,
    jobs: int = 1,
) -> Iterator[CheckedChain]:
    """Verify the chains of these contracts, or of all, in the order of their ids.

    A batch is read in one snapshot, so that concurrent work is not mistaken for tampering. Memory
    does not grow with the number of contracts. The removed contracts come last; with `archived`,
    each is compared with its archived record.

    Args:
        jobs: the number of processes that verify all contracts. With more than one, the caller must
            have no open transaction.
    """
    if contract_ids is None:
        yield from _all_chains(jobs)
        yield from _chains_without_contract()
    else:
        yield from _chains_of(sorted({*contract_ids}))
    yield from _removed_contracts(contract_ids, archived)


def verify_contract(contract_id: UUID) -> tuple[CheckedChain | None, ContractRecord | None]:
    """Verify one contract's chain; return the result and the record that was verified.

    Both are None if there is no such contract. The record is None if it cannot be read.
    """
    return next(iter(_verified([contract_id])), (None, None))


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Open a read-only transaction with one snapshot, or a savepoint in the open transaction."""
    with transaction.atomic():
        # The isolation level of an open transaction (a test's) cannot be changed any more.
        if not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _all_chains(jobs: int) -> Iterator[CheckedChain]:
    """Verify all contracts, range after range; several processes verify several ranges at once."""
    with connection.cursor() as cursor:
        cursor.execute(_RANGES, [CONTRACTS_PER_RANGE])
        starts = [start for (start,) in cursor.fetchall()]
    ranges = list(pairwise([*starts, None]))
    if jobs == 1:
        for one in ranges:
            yield from _chains_in(one)
        return
    # The forked processes must not use the connections of this one.
    connections.close_all()
    database: Any = connection
    database.close_pool()
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("fork"), initializer=_follow_parent
    ) as processes:
        for checked in processes.map(_chains_in, ranges):
            yield from checked


_RANGES = """
SELECT id FROM (
    SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM governance_systemcontract
) numbered WHERE place %% %s = 0 ORDER BY id
"""


def _follow_parent() -> None:  # pragma: no cover - only forked processes call this
    """Leave Ctrl-C to the parent of this process, and end with a parent that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_after, args=[parent_process()], daemon=True).start()


def _end_after(process: Any) -> None:  # pragma: no cover - only forked processes call this
    process.join()
    os._exit(1)


def _chains_in(id_range: tuple[UUID, UUID | None]) -> list[CheckedChain]:
    """Verify the contracts from the first id to before the second; None is the end of all."""
    start, end = id_range
    contracts = SystemContract.objects.filter(pk__gte=start).order_by("pk")
    if end is not None:
        contracts = contracts.filter(pk__lt=end)
    return list(_chains_of(list(contracts.values_list("pk", flat=True))))


def _chains_of(contract_ids: Sequence[UUID]) -> Iterator[CheckedChain]:
    for start in range(0, len(contract_ids), CONTRACTS_PER_BATCH):
        for checked, _ in _verified(contract_ids[start : start + CONTRACTS_PER_BATCH]):
            yield checked


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
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


@_no_garbage_collection()
def _verified(batch: Sequence[UUID]) -> list[_Verified]:
    """Verify a batch; a record that cannot be read is a finding."""
    return one_by_one_if_unreadable(batch, _verified_at_once, _unreadable)


def _verified_at_once(batch: Sequence[UUID]) -> list[_Verified]:
    with one_snapshot():
        contract_records = load_contract_records(batch)
    return [(_checked(contract_record), contract_record) for contract_record in contract_records]


def _checked(contract_record: ContractRecord) -> CheckedChain:
    contract_id, found = contract_record.contract_id, first_problem(contract_record)
    finding = Finding(contract_id, *found) if found else None
    return CheckedChain(contract_id, len(contract_record.entries), finding)


def _unreadable(contract_id: UUID, problem: str) -> _Verified:
    return CheckedChain(contract_id, 0, Finding(contract_id, 1, problem)), None


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
    left = Func(F("pk"), function="governance_rows_left_of", output_field=TextField())
    tombstones = ContractTombstone.objects.order_by("pk").annotate(left=left)
    if contract_ids is not None:
        tombstones = tombstones.filter(pk__in=contract_ids)
    batch: list[Any] = list(tombstones[:CONTRACTS_PER_BATCH])
    while batch:
        for tombstone in batch:
            problem = _problem_of_removed(tombstone, archived)
            finding = Finding(tombstone.pk, 1, f"it was removed, {problem}") if problem else None
            yield CheckedChain(tombstone.pk, 0, finding, is_removed=True)
        batch = list(tombstones.filter(pk__gt=batch[-1].pk)[:CONTRACTS_PER_BATCH])


def _problem_of_removed(tombstone: Any, archived: ArchiveReader | None) -> str | None:
    if tombstone.left:
        return f"but this is left: {tombstone.left}"
    try:
        if archived:
            archived(tombstone)
    except InvalidInputError as error:
        return f"and its archive file does not verify: {error}"
    return None
