"""Files that commands write as their result."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from governance.domain.errors import FileExistsAlreadyError, UnwritableFileError


def write_file(path: Path, content: bytes, *, force: bool) -> None:
    """Write `content` to `path`; after a failed write, no file is left.

    Raises:
        FileExistsAlreadyError: The file exists and `force` is not set.
        UnwritableFileError: The file cannot be written.
    """
    try:
        with path.open("wb" if force else "xb") as file:
            try:
                file.write(content)
                file.flush()
            except OSError:
                with suppress(OSError):
                    path.unlink()
                raise
    except FileExistsError:
        raise FileExistsAlreadyError(f"{path} exists already; --force overwrites it.") from None
    except OSError as error:
        raise UnwritableFileError(f"{path} cannot be written: {error.strerror}.") from None
