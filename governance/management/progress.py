"""Work through a file line by line: a progress bar for people, and an orderly stop on Ctrl-C."""

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
    """Whether Ctrl-C was pressed. One line is either done or not begun, never half done."""

    def __init__(self) -> None:
        self.requested = False
        self._is_busy = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Take SIGINT while the block runs; in a thread, where nobody can, do nothing."""
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
        """Inside, Ctrl-C waits; a second one no longer does."""
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
    """The lines of `file`, until they end or somebody interrupts; the bar is on standard error."""
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
    """Write whole lines to standard error while the bar is there."""
    with tqdm.external_write_mode(file=sys.stderr):
        yield


def _size_of(file: BinaryIO) -> int | None:
    try:
        return os.fstat(file.fileno()).st_size or None
    except OSError:
        return None
