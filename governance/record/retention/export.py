"""Export of contracts that ended before a given time into an archive; the database is unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import DataError
from django.db.models import Q, QuerySet

from governance.domain.errors import InTheFutureError
from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES
from governance.models import SystemContract
from governance.record.ledger.verification import one_snapshot
from governance.record.retention.archive_directory import (
    ArchiveDirectory,
    ManifestEntry,
    manifest_entry,
)
from governance.record.retention.document import (
    UNREADABLE,
    export_problem,
    load_record_texts,
)

CONTRACTS_PER_BATCH = 100


@dataclass(frozen=True, slots=True)
class ExportResult:
    """The outcome for one contract.

    `problem` says why it was not exported. Without a problem, `is_new` is false if the archive had
    its file already.
    """

    contract_id: UUID
    entries: int = 0
    is_new: bool = False
    problem: str | None = None


def contracts_at_rest(*, before: datetime) -> QuerySet[SystemContract]:
    """Return the terminal contracts whose last ledger entry is older than `before`."""
    return SystemContract.objects.filter(
        status__in=sorted(CONTRACT_TERMINAL_STATES), updated_at__lt=before
    )


def archive_contracts(
    *, before: datetime, at: datetime, archive: ArchiveDirectory | None
) -> Iterator[ExportResult]:
    """Export each ended contract that the archive does not have; without an archive only check.

    The contracts come in the order of their ends. A record that does not verify is not exported.
    Memory does not grow with the number of contracts, and each batch takes the same number of
    queries.

    Raises:
        InvalidInputError: `in_the_future`, if `before` is later than `at`.
    """
    if before > at:
        raise InTheFutureError.at("before", "is in the future")
    for batch in _batches(before):
        missing = [one for one in batch if not (archive and archive.has(one))]
        kept = set(batch) - set(missing)
        yield from (ExportResult(contract_id) for contract_id in batch if contract_id in kept)
        judged = _judged(missing, at=at)
        if archive:
            archive.put([file for _, file in judged if file])
        yield from (outcome for outcome, _ in judged)


_Judged = tuple[ExportResult, tuple[ManifestEntry, str] | None]


def _judged(batch: Sequence[UUID], *, at: datetime) -> list[_Judged]:
    """Verify a batch; return each outcome, with the manifest's entry and the text to export."""
    if not batch:
        return []
    try:
        with one_snapshot():
            records = list(load_record_texts(batch))
    except (*UNREADABLE, DataError) as error:
        if len(batch) == 1:
            problem = f"the record cannot be read: {type(error).__name__}"
            return [(ExportResult(batch[0], problem=problem), None)]
        return [one for contract_id in batch for one in _judged([contract_id], at=at)]
    judged: list[_Judged] = []
    for contract_record, text in records:
        contract_id, entries = contract_record.contract_id, len(contract_record.entries)
        if found := export_problem(contract_record):
            problem = f"entry {found[0]}: {found[1]}"
            judged.append((ExportResult(contract_id, entries, problem=problem), None))
        else:
            line = manifest_entry(contract_record, text, archived_at=at)
            judged.append((ExportResult(contract_id, entries, is_new=True), (line, text)))
    return judged


def _batches(before: datetime) -> Iterator[list[UUID]]:
    waiting = contracts_at_rest(before=before).order_by("updated_at", "pk")
    waiting_ids = waiting.values_list("updated_at", "pk")
    batch = list(waiting_ids[:CONTRACTS_PER_BATCH])
    while batch:
        yield [contract_id for _, contract_id in batch]
        last_at, last = batch[-1]
        after = Q(updated_at__gte=last_at) & (Q(updated_at__gt=last_at) | Q(pk__gt=last))
        batch = list(waiting_ids.filter(after)[:CONTRACTS_PER_BATCH])
