"""Clients as processes, so that Python's global interpreter lock slows neither side."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

Work = Callable[[Any], object]
# Called in the worker process, with a connection of its own; returns the work by name.
WorkerSetup = Callable[[], dict[str, Work]]

PATIENCE_SECONDS = 5
PLAIN = (int, float, tuple)


class WorkerPool:
    """Worker processes that begin their work at the same moment.

    They are forked from this process, which must have no open database connection then, because
    they would share it. With `apart` they are new processes (spawn).
    """

    def __init__(self, set_up_worker: WorkerSetup, size: int, *, apart: bool = False) -> None:
        self.outcomes: list[Any] = []
        self._pipes: list[Connection] = []
        self._workers: list[BaseProcess] = []
        make: Any = multiprocessing.get_context("spawn" if apart else "fork")
        for _ in range(size):
            ours, theirs = make.Pipe()
            worker = make.Process(target=_serve, args=(theirs, set_up_worker), daemon=True)
            worker.start()
            theirs.close()
            self._pipes.append(ours)
            self._workers.append(worker)

    def do(self, what: str, shares: Sequence[Sequence[Any]]) -> float:
        """Let each worker do the work `what` with each item of its share; return the seconds.

        `outcomes` then has the result of the last item of each share, if it is a number or a tuple.

        Raises:
            RuntimeError: A worker failed; the message has its error.
        """
        pipes = self._pipes[: len(shares)]
        for pipe, share in zip(pipes, shares, strict=True):
            pipe.send((what, share))
        for pipe in pipes:
            pipe.recv()
        for pipe in pipes:
            pipe.send(None)
        spans = [pipe.recv() for pipe in pipes]
        if failures := [span for span in spans if isinstance(span, str)]:
            raise RuntimeError(failures[0])
        self.outcomes = [span[2] for span in spans]
        began: float = min(span[0] for span in spans)
        ended: float = max(span[1] for span in spans)
        return ended - began

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """End the workers; kill those that do not end within PATIENCE_SECONDS."""
        for pipe in self._pipes:
            with suppress(OSError):
                pipe.send((None, ()))
        deadline = time.monotonic() + PATIENCE_SECONDS
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))
            worker.kill()
            worker.join()


def shares_of(items: Sequence[Any], clients: int) -> list[Sequence[Any]]:
    """Divide the items into as many parts as there are clients, of nearly equal size."""
    return [items[start::clients] for start in range(clients)]


def _serve(pipe: Connection, set_up_worker: WorkerSetup) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the parent process ends the workers
    works = set_up_worker()
    while True:
        what, share = pipe.recv()
        if what is None:
            return
        work = works[what]
        pipe.send("ready")
        pipe.recv()
        try:
            outcome = None
            began = time.perf_counter()
            for item in share:
                outcome = work(item)
            ended = time.perf_counter()
            pipe.send((began, ended, outcome if isinstance(outcome, PLAIN) else None))
        except Exception as failure:  # noqa: BLE001 - the parent process raises it
            pipe.send(f"{what}: {type(failure).__name__}: {failure}")
