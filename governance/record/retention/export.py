"""Export of contracts that ended before a given time into an archive; the database is unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db.models import Q, QuerySet

from governance.domain.errors import InTheFutureError
from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES
from governance.models import SystemContract
from governance.record.ledger.contract_record import ContractRecord
from governance.record.ledger.loading import load_contract_records, one_by_one_if_unreadable
from governance.record.ledger.verification import one_snapshot
from governance.record.retention.archive_directory import (
    ArchiveDirectory,
    ManifestEntry,
    manifest_entry,
)
from governance.record.retention.document import contract_record_text, export_problem

CONTRACTS_PER_BATCH = 100


@dataclass(frozen=True, slots=True)
class ExportResult:
    """The outcome for one contract.

    `problem` says why it was not exported. `file` is the line of the manifest and the text of the
    file; without a problem, it is None if the archive had the file already.
    """

    contract_id: UUID
    problem: str | None = None
    file: tuple[ManifestEntry, str] | None = None


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
        yield from (ExportResult(one) for one in batch if one not in missing)
        results = one_by_one_if_unreadable(missing, partial(_exported, at=at), ExportResult)
        if archive:
            archive.put([result.file for result in results if result.file])
        yield from results


def _exported(batch: Sequence[UUID], *, at: datetime) -> list[ExportResult]:
    """Verify a batch, and make its files."""
    with one_snapshot():
        return [_result(one, at=at) for one in load_contract_records(batch)]


def _result(contract_record: ContractRecord, *, at: datetime) -> ExportResult:
    if problem := export_problem(contract_record):
        return ExportResult(contract_record.contract_id, problem)
    text = contract_record_text(contract_record)
    line = manifest_entry(contract_record, text, archived_at=at)
    return ExportResult(contract_record.contract_id, file=(line, text))


def _batches(before: datetime) -> Iterator[list[UUID]]:
    waiting = contracts_at_rest(before=before).order_by("updated_at", "pk")
    waiting_ids = waiting.values_list("updated_at", "pk")
    batch = list(waiting_ids[:CONTRACTS_PER_BATCH])
    while batch:
        yield [contract_id for _, contract_id in batch]
        last_at, last = batch[-1]
        after = Q(updated_at__gte=last_at) & (Q(updated_at__gt=last_at) | Q(pk__gt=last))
        batch = list(waiting_ids.filter(after)[:CONTRACTS_PER_BATCH])
