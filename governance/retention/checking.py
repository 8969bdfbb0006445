"""Look at an archive again: every digest, chain, row and seal. No database is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from governance.ledger.dossier import Dossier
from governance.models import ContractTombstone
from governance.retention.document import read_record
from governance.retention.shelf import (
    CONTRACTS,
    Listed,
    file_of,
    listed,
    listed_in,
    refuse_unfinished,
)
from governance.vocabulary.errors import InvalidInputError


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
    refuse_unfinished(folder)
    count = 0
    for item in listed_in(folder):
        count += 1
        yield checked_file(folder, item)
    there = sum(1 for _ in (folder / CONTRACTS).glob("*/*.json"))
    if there > count:
        problem = f"{there - count} files are there that the manifest does not list"
        yield CheckedFile(CONTRACTS, "", "", 0, problem)


def checked_file(folder: Path, item: Listed) -> CheckedFile:
    """The file that a line of the manifest lists, judged."""
    try:
        read_listed(folder, item)
    except InvalidInputError as error:
        problem: str | None = str(error)
    else:
        problem = None
    return CheckedFile(item.file, item.contract_id, item.reference, item.entries, problem)


def read_listed(folder: Path, item: Listed) -> Dossier:
    """The record in the file that a line lists; InvalidInputError (`bad_archive`) says why not."""
    data = _bytes_in(folder / item.file)
    if data is None:
        raise _unusable("The file is missing.")
    if sha256(data).hexdigest() != item.sha256:
        raise _unusable("The file is not the one that was listed.")
    text = data.decode(errors="replace")
    dossier = read_record(text)
    if listed(dossier, text, archived_at=item.archived_at) != item:
        raise _unusable("The manifest says something else of it.")
    return dossier


def read_removed(folders: Sequence[Path], tombstone: ContractTombstone) -> Dossier:
    """The record that was removed under this tombstone, from whichever archive holds its file.

    InvalidInputError (`bad_archive`) says why there is none.
    """
    for folder in folders:
        data = _bytes_in(folder / file_of(str(tombstone.contract_id)))
        if data is None or sha256(data).hexdigest() != tombstone.file_sha256:
            continue
        text = data.decode(errors="replace")
        dossier = read_record(text)
        line = listed(dossier, text, archived_at=tombstone.archived_at)
        if (line.contract_id, line.reference, line.status, line.entries, line.head_sha256) != (
            str(tombstone.contract_id),
            tombstone.reference,
            tombstone.status,
            tombstone.entries,
            tombstone.head_sha256,
        ):
            raise _unusable("The tombstone says something else of it.")
        return dossier
    raise _unusable("No archive that was given holds the file that its tombstone names.")


def _bytes_in(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _unusable(why: str) -> InvalidInputError:
    return InvalidInputError(why, code="bad_archive")
