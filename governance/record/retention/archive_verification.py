"""Look at an archive again: every digest, chain, row and seal. No database is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from governance.domain.errors import InvalidInputError
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
    """One file of an archive, and what is wrong with it: None when it is whole."""

    file: str
    contract_id: str
    reference: str
    entries: int
    problem: str | None


def verify_archive(folder: Path) -> Iterator[CheckedFile]:
    """Each file that the manifest lists, held to its line and to its own chain, in order.

    Memory does not grow with them. At last, files that the manifest does not list are a problem of
    the folder. InvalidInputError (`bad_archive`) for a manifest that cannot be read,
    WrongStateError (`archive_unfinished`) after a crash.
    """
    require_finished_archive(folder)
    count = 0
    for item in manifest_entries(folder):
        count += 1
        yield verify_archived_file(folder, item)
    there = sum(1 for _ in (folder / CONTRACTS).glob("*/*.json"))
    if there > count:
        problem = f"{there - count} files are there that the manifest does not list"
        yield CheckedFile(CONTRACTS, "", "", 0, problem)


def verify_archived_file(folder: Path, item: ManifestEntry) -> CheckedFile:
    """The file that a line of the manifest lists, judged."""
    try:
        read_archived_file(folder, item)
    except InvalidInputError as error:
        problem: str | None = str(error)
    else:
        problem = None
    return CheckedFile(item.file, item.contract_id, item.reference, item.entries, problem)


def read_archived_file(folder: Path, item: ManifestEntry) -> ContractRecord:
    """The record in the file that a line lists; InvalidInputError (`bad_archive`) says why not."""
    data = _bytes_in(folder / item.file)
    if data is None:
        raise _unusable("The file is missing.")
    if sha256(data).hexdigest() != item.sha256:
        raise _unusable("The file is not the one that was listed.")
    text = data.decode(errors="replace")
    contract_record = read_verified_record(text)
    if manifest_entry(contract_record, text, archived_at=item.archived_at) != item:
        raise _unusable("The manifest says something else of it.")
    return contract_record


def read_removed_record(folders: Sequence[Path], tombstone: ContractTombstone) -> ContractRecord:
    """The record that was removed under this tombstone, from whichever archive holds its file.

    InvalidInputError (`bad_archive`) says why there is none.
    """
    for folder in folders:
        data = _bytes_in(folder / contract_file(str(tombstone.contract_id)))
        if data is None or sha256(data).hexdigest() != tombstone.file_sha256:
            continue
        text = data.decode(errors="replace")
        contract_record = read_verified_record(text)
        line = manifest_entry(contract_record, text, archived_at=tombstone.archived_at)
        if (line.contract_id, line.reference, line.status, line.entries, line.head_sha256) != (
            str(tombstone.contract_id),
            tombstone.reference,
            tombstone.status,
            tombstone.entries,
            tombstone.head_sha256,
        ):
            raise _unusable("The tombstone says something else of it.")
        return contract_record
    raise _unusable("No archive that was given holds the file that its tombstone names.")


def _bytes_in(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _unusable(why: str) -> InvalidInputError:
    return InvalidInputError(why, code="bad_archive")
