"""Progress of an import: a progress bar, and a stop between two lines on Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import BinaryIO

from tqdm import tqdm

from governance.management.jsonl import JsonLine, read_lines


class Interruption:
    """The state of Ctrl-C during an import, which ends between two lines and not within one."""

    def __init__(self) -> None:
        self.requested = False
        self._is_busy = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Handle SIGINT while the block runs; only the main thread can do that."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        usual = signal.signal(signal.SIGINT, self._on_sigint)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Delay the first Ctrl-C until the block ends; a second one interrupts at once."""
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False

    def _on_sigint(self, signum: int, frame: FrameType | None) -> None:
        if self._is_busy and not self.requested:
            self.requested = True
        else:
            self.requested = True
            raise KeyboardInterrupt


def iterate_with_progress(
    file: BinaryIO, *, interruption: Interruption, with_bar: bool
) -> Iterator[JsonLine]:
    """Yield the lines of `file` until its end or Ctrl-C; the bar goes to standard error."""
    bar = tqdm(
        total=_size_of(file),
        unit="B",
        unit_scale=True,
        leave=False,
        file=sys.stderr,
        disable=not with_bar,
    )
    with bar, interruption.watched():
        lines = read_lines(file)
        while not interruption.requested:
            try:
                line = next(lines, None)
            except KeyboardInterrupt:
                return
            if line is None:
                return
            with interruption.deferred():
                yield line
            bar.update(line.end - bar.n)


@contextmanager
def outside_progress_bar() -> Iterator[None]:
    """Hide the progress bar while the block writes to standard error."""
    with tqdm.external_write_mode(file=sys.stderr):
        yield


def _size_of(file: BinaryIO) -> int | None:
    try:
        return os.fstat(file.fileno()).st_size or None
    except OSError:
        return None
