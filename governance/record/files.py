"""Files that appear completely or not at all, also after a crash; and files of settings."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from governance.domain.errors import InvalidInputError, UnreadableFileError

DRAFT = ".draft"
MAX_PROTECTED_BYTES = 1024 * 1024


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


def file_version(path: Path) -> tuple[int, ...]:
    """Return what changes whenever a file or its mode does, for a cache of what was read.

    Raises:
        UnreadableFileError: the file cannot be read.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from None
    return (status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode)


def read_protected_file(path: Path, *, invalid: type[InvalidInputError]) -> str:
    """Return the text of a file of at most 1 MiB that only its owner may write.

    Args:
        invalid: the error for a file that others may write or that is too large.

    Raises:
        UnreadableFileError: the file cannot be read, or is not UTF-8.
        InvalidInputError: of the class `invalid`.
    """
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o022:
                raise invalid.at(
                    str(path), "may be written by its group or by others; it needs mode 0644"
                )
            content = file.read(MAX_PROTECTED_BYTES + 1)
        if len(content) > MAX_PROTECTED_BYTES:
            raise invalid.at(str(path), "is larger than 1 MiB")
        return content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> UnreadableFileError:
    reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
    return UnreadableFileError.at(str(path), f"cannot be read: {reason}")


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
