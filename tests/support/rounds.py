"""Rounds of calls that begin at the same moment, each in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connections

MAX_ROUND_SECONDS = 60.0


def run_simultaneously(moves: Sequence[Callable[[], Any]], pool: ThreadPoolExecutor) -> list[Any]:
    """Run all moves at the same time, and return their results in order.

    Args:
        pool: A pool with at least one thread for each move.

    Raises:
        Exception: The exception of a move.
    """
    ready = Barrier(len(moves), timeout=MAX_ROUND_SECONDS)

    def play(move: Callable[[], Any]) -> Any:
        ready.wait()
        return move()

    return [future.result() for future in [pool.submit(play, move) for move in moves]]


class WorkerThreads(ThreadPoolExecutor):
    """A thread pool whose threads close their database connections at the end."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._count = count

    def __exit__(self, *failure: Any) -> Any:
        leaving = Barrier(self._count, timeout=MAX_ROUND_SECONDS)

        def leave() -> None:
            connections.close_all()
            leaving.wait()  # so that each thread runs exactly one of these calls

        for future in [self.submit(leave) for _ in range(self._count)]:
            future.result()
        return super().__exit__(*failure)
