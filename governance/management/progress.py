"""Progress of a command: a bar on standard error, and a stop between two lines on Ctrl-C."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import BinaryIO, TypeVar

from tqdm import tqdm

from governance.management.jsonl import JsonLine, read_lines

_Item = TypeVar("_Item")


def with_progress(
    items: Iterable[_Item], *, unit: str, total: int | None = None
) -> Iterable[_Item]:
    """Yield `items`, and show their number in a bar if standard error is a terminal."""
    return tqdm(items, total=total, unit=f" {unit}", leave=False, disable=None)


class Interruption:
    """The state of Ctrl-C during an import, which ends between two lines and not within one."""

    def __init__(self) -> None:
        self.requested = False
        self.is_deferred = False

    def on_sigint(self, signum: int, frame: FrameType | None) -> None:
        """Interrupt at once, but only note the first Ctrl-C while `is_deferred`."""
        is_noted = self.is_deferred and not self.requested
        self.requested = True
        if not is_noted:
            raise KeyboardInterrupt


def lines_with_progress(file: BinaryIO, interruption: Interruption) -> Iterator[JsonLine]:
    """Yield the lines of `file` until its end or Ctrl-C, and show the bytes read in a bar."""
    previous = signal.signal(signal.SIGINT, interruption.on_sigint)
    try:
        with tqdm(
            total=_size_of(file), unit="B", unit_scale=True, leave=False, disable=None
        ) as bar:
            for line in read_lines(file):
                interruption.is_deferred = True
                yield line
                interruption.is_deferred = False
                bar.update(line.end - bar.n)
                if interruption.requested:
                    return
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGINT, previous)


def _size_of(file: BinaryIO) -> int | None:
    try:
        return os.fstat(file.fileno()).st_size or None
    except OSError:
        return None
