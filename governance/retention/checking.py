"""Look at an archive again: every digest, chain, row and seal. No database is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from governance.ledger.dossier import Dossier
from governance.retention.document import read_record
from governance.retention.shelf import CONTRACTS, Listed, listed, listed_in, refuse_unfinished
from governance.vocabulary.canonical import sha256_hex
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
    try:
        text = (folder / item.file).read_bytes().decode()
    except FileNotFoundError:
        raise InvalidInputError("The file is missing.", code="bad_archive") from None
    except UnicodeDecodeError:
        text = None
    if text is None or sha256_hex(text) != item.sha256:
        raise InvalidInputError("The file is not the one that was listed.", code="bad_archive")
    dossier = read_record(text)
    if listed(dossier, text, archived_at=item.archived_at) != item:
        raise InvalidInputError("The manifest says something else of it.", code="bad_archive")
    return dossier
