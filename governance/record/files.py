"""Files that appear completely or not at all, also after a crash."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

DRAFT = ".draft"


def create_private_file(path: Path, content: bytes) -> None:
    """Create a file that only its owner may read; a file that exists already is kept.

    Of several concurrent calls the first one decides the content.

    Raises:
        OSError: the file cannot be created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent)  # mode 0600
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    with suppress(FileExistsError):
        os.link(draft, path)
    os.unlink(draft)


@contextmanager
def replaced_file(path: Path) -> Iterator[IO[str]]:
    """Open a draft of a text file, which replaces the file at the end, unless there is an error."""
    draft = path.with_name(path.name + DRAFT)
    try:
        with synced_file(draft) as file:
            yield file
        os.replace(draft, path)
    except BaseException:
        with suppress(FileNotFoundError):
            draft.unlink()
        raise
    sync_folder(path.parent)


@contextmanager
def synced_file(path: Path) -> Iterator[IO[str]]:
    """Open a text file for writing, whose content is on the disk at the end."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names of the files in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
