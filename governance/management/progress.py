"""Progress of a command: a bar on standard error, and a stop between two lines on Ctrl-C."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from typing import BinaryIO, TypeVar

from tqdm import tqdm

from governance.management.jsonl import JsonLine, read_lines

_Item = TypeVar("_Item")


def with_progress(
    items: Iterable[_Item], *, unit: str, total: int | None = None
) -> Iterable[_Item]:
    """Yield `items`, and show their number in a bar if standard error is a terminal."""
    return tqdm(items, total=total, unit=f" {unit}", leave=False, disable=None)


def lines_with_progress(file: BinaryIO) -> Iterator[JsonLine]:
    """Yield the lines of `file`, and show the bytes read in a bar.

    Ctrl-C acts between two lines: until the caller asks for the next line, it is held back.
    """
    with tqdm(total=_size_of(file), unit="B", unit_scale=True, leave=False, disable=None) as bar:
        for line in read_lines(file):
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            try:
                yield line
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
            bar.update(line.end - bar.n)


def _size_of(file: BinaryIO) -> int | None:
    try:
        return os.fstat(file.fileno()).st_size or None
    except OSError:
        return None
