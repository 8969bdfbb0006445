"""The archive directory: one file per contract, and a manifest that lists the files.

    manifest.jsonl               one line per contract: file, SHA-256 of the file, head of the chain
    manifest.signature.json      optional, over all lines (`signature.py`)
    contracts/3fa/<id>.json      a contract's file (`document.py`); `3fa` is the end of the id

A batch is written completely or not at all. First every file is written under a draft's name and
synced; then `.batch` is written, which has the lines of the batch; then the drafts get their names;
then the lines are appended to the manifest. After a crash the next writer finishes the batch in
`.batch`; without `.batch`, nothing of the batch has happened.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from uuid import UUID

from governance.domain.canonical import canonical_text, sha256_hex, timestamp
from governance.domain.errors import ArchiveInUseError, ArchiveUnfinishedError, BadArchiveError
from governance.record.files import DRAFT, replaced_file, sync_folder, synced_file
from governance.record.ledger.contract_record import ContractRecord

MANIFEST = "manifest.jsonl"
CONTRACTS = "contracts"
_BATCH = ".batch"
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A line of the manifest: a contract's file, its SHA-256, and the head of the chain in it."""

    contract_id: str
    reference: str
    status: str
    entries: int
    head_sha256: str
    file: str
    sha256: str
    archived_at: str

    @property
    def id(self) -> UUID:
        return UUID(self.contract_id)

    def line(self) -> str:
        return canonical_text(asdict(self))


def manifest_entry(
    contract_record: ContractRecord, text: str, *, archived_at: Any
) -> ManifestEntry:
    """Make the manifest's entry for a contract record, whose file has this text."""
    contract = contract_record.contract
    return ManifestEntry(
        contract_id=str(contract.pk),
        reference=contract.reference,
        status=str(contract.status),
        entries=len(contract_record.entries),
        head_sha256=bytes(contract_record.entries[-1].hash).hex(),
        file=contract_file(str(contract.pk)),
        sha256=sha256_hex(text),
        archived_at=str(timestamp(archived_at)),
    )


def contract_file(contract_id: str) -> str:
    """Return the path of a contract's file, relative to the archive directory."""
    return f"{CONTRACTS}/{contract_id[-3:]}/{contract_id}.json"


def _draft_of(path: Path) -> Path:
    return path.with_name(path.name + DRAFT)


def manifest_lines(folder: Path) -> Iterator[str]:
    """Yield the lines of the manifest.

    Raises:
        InvalidInputError: `bad_archive`, if there is no manifest.
    """
    try:
        with (folder / MANIFEST).open(encoding="utf-8", errors="replace", newline="\n") as lines:
            for line in lines:
                yield line.rstrip("\n")
    except FileNotFoundError:
        raise BadArchiveError(f"{folder} is not an archive: it has no {MANIFEST}.") from None


def manifest_entries(folder: Path) -> Iterator[ManifestEntry]:
    """Yield the entries of the manifest.

    Raises:
        InvalidInputError: `bad_archive`, with the number of a line that is not valid.
    """
    for number, line in enumerate(manifest_lines(folder), start=1):
        try:
            values = json.loads(line)
            found = ManifestEntry(
                **{field.name: values.pop(field.name) for field in fields(ManifestEntry)}
            )
            is_ours = (
                not values and found.line() == line and found.file == contract_file(str(found.id))
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            is_ours = False
        if not is_ours:
            raise BadArchiveError(f"Line {number} of {folder / MANIFEST} is not valid.")
        yield found


def require_finished_archive(folder: Path) -> None:
    """Refuse an archive with a batch that a crash left unfinished.

    Raises:
        WrongStateError: `archive_unfinished`.
    """
    if (folder / _BATCH).exists():
        raise ArchiveUnfinishedError(
            f"Writing {folder} was interrupted: run archive_contracts again to finish it."
        )


class ArchiveDirectory:
    """An archive directory that `open_archive` opened for writing, by one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, contract_id: Any) -> bool:
        """Tell whether the archive has this contract's file; if so, the manifest lists it."""
        return (self.folder / contract_file(str(contract_id))).exists()

    def put(self, files: Sequence[tuple[ManifestEntry, str]]) -> None:
        """Write files that the archive does not have yet, and list them: all or none."""
        if not files:
            return
        for item, text in files:
            path = self.folder / item.file
            path.parent.mkdir(parents=True, exist_ok=True)
            with synced_file(_draft_of(path)) as file:
                file.write(text)
        manifest = self.folder / MANIFEST
        batch = {
            "manifest_bytes": manifest.stat().st_size if manifest.exists() else 0,
            "files": [item.file for item, _ in files],
            "lines": [item.line() for item, _ in files],
        }
        with replaced_file(self.folder / _BATCH) as file:
            json.dump(batch, file)
        self.finish_batch()

    def finish_batch(self) -> None:
        """Finish the last batch, if it is unfinished; a repeated call changes nothing."""
        journal = self.folder / _BATCH
        if not journal.exists():
            return
        batch = json.loads(journal.read_text(encoding="utf-8"))
        for name in batch["files"]:
            path = self.folder / name
            if _draft_of(path).exists():
                os.replace(_draft_of(path), path)
        for parent in {(self.folder / name).parent for name in batch["files"]}:
            sync_folder(parent)
        sync_folder(self.folder / CONTRACTS)
        with (self.folder / MANIFEST).open("ab") as manifest:
            manifest.truncate(batch["manifest_bytes"])
            manifest.write("".join(f"{line}\n" for line in batch["lines"]).encode())
            manifest.flush()
            os.fsync(manifest.fileno())
        journal.unlink()
        sync_folder(self.folder)


@contextmanager
def open_archive(folder: Path) -> Iterator[ArchiveDirectory]:
    """Open the archive in `folder` for writing; create it, or finish a batch that a crash left.

    Raises:
        WrongStateError: `archive_in_use`, while another process has it open.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ArchiveInUseError(f"Another process is writing to {folder}.") from None
        archive = ArchiveDirectory(folder)
        archive.finish_batch()
        yield archive
