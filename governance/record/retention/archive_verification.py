"""Verification of an archive without a database: every digest, chain, row and seal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from governance.domain.canonical import timestamp
from governance.domain.errors import BadArchiveError, InvalidInputError
from governance.models import ContractTombstone
from governance.record.ledger.contract_record import ContractRecord
from governance.record.retention.archive_directory import (
    CONTRACTS,
    ManifestEntry,
    contract_file,
    manifest_entries,
    manifest_entry,
    require_finished_archive,
)
from governance.record.retention.document import read_verified_record


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """The result of checking one file; `problem` is None if the file verifies."""

    file: str
    contract_id: str
    reference: str
    entries: int
    problem: str | None


def verify_archive(folder: Path) -> Iterator[CheckedFile]:
    """Verify each file of the manifest against its line and its chain, in the manifest's order.

    Memory does not grow with the number of files. The last result is about files that the manifest
    does not list, if there are any.

    Raises:
        InvalidInputError: `bad_archive`, for a manifest that cannot be read.
        WrongStateError: `archive_unfinished`, after a crash.
    """
    require_finished_archive(folder)
    count = 0
    for item in manifest_entries(folder):
        count += 1
        yield verify_archived_file(folder, item)
    there = sum(1 for _ in (folder / CONTRACTS).glob("*/*.json"))
    if there > count:
        problem = f"files that the manifest does not list: {there - count}"
        yield CheckedFile(CONTRACTS, "", "", 0, problem)


def verify_archived_file(folder: Path, item: ManifestEntry) -> CheckedFile:
    """Verify the file of one line of the manifest."""
    problem = None
    try:
        read_archived_file(folder, item)
    except InvalidInputError as error:
        problem = str(error)
    return CheckedFile(item.file, item.contract_id, item.reference, item.entries, problem)


def read_archived_file(folder: Path, item: ManifestEntry) -> ContractRecord:
    """Read and verify the contract record in the file of one line of the manifest.

    Raises:
        InvalidInputError: `bad_archive`, if the file or its record does not verify.
    """
    data = _bytes_in(folder / item.file)
    if data is None:
        raise _unusable("The file is missing.")
    if sha256(data).hexdigest() != item.sha256:
        raise _unusable("The SHA-256 of the file is not the one in the manifest.")
    return _record_in(data, item, stated_by="manifest")


def read_removed_record(folders: Sequence[Path], tombstone: ContractTombstone) -> ContractRecord:
    """Read and verify the record of a removed contract, from the archive that has its file.

    Raises:
        InvalidInputError: `bad_archive`, if no archive has the file, or the record does not verify.
    """
    item = ManifestEntry(
        contract_id=str(tombstone.contract_id),
        reference=tombstone.reference,
        status=tombstone.status,
        entries=tombstone.entries,
        head_sha256=tombstone.head_sha256,
        file=contract_file(str(tombstone.contract_id)),
        sha256=tombstone.file_sha256,
        archived_at=str(timestamp(tombstone.archived_at)),
    )
    for folder in folders:
        data = _bytes_in(folder / item.file)
        if data is not None and sha256(data).hexdigest() == item.sha256:
            return _record_in(data, item, stated_by="tombstone")
    raise _unusable("None of the given archives has the file that the tombstone names.")


def _record_in(data: bytes, item: ManifestEntry, *, stated_by: str) -> ContractRecord:
    text = data.decode(errors="replace")
    contract_record = read_verified_record(text)
    if manifest_entry(contract_record, text, archived_at=item.archived_at) != item:
        raise _unusable(f"The {stated_by} differs from the record in the file.")
    return contract_record


def _bytes_in(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _unusable(why: str) -> InvalidInputError:
    return BadArchiveError(why)
