"""Players who act at the same moment, round after round, each in a thread of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connections

MAX_ROUND_SECONDS = 60.0


def run_simultaneously(moves: Sequence[Callable[[], Any]], pool: ThreadPoolExecutor) -> list[Any]:
    """What each move came to; all begin when the last player is ready.

    `pool` has a thread for each move at least. An exception of any of them is raised here.
    """
    ready = Barrier(len(moves), timeout=MAX_ROUND_SECONDS)

    def play(move: Callable[[], Any]) -> Any:
        ready.wait()
        return move()

    return [future.result() for future in [pool.submit(play, move) for move in moves]]


class WorkerThreads(ThreadPoolExecutor):
    """Threads that give their database connections back when they leave."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._count = count

    def __exit__(self, *failure: Any) -> Any:
        leaving = Barrier(self._count, timeout=MAX_ROUND_SECONDS)

        def leave() -> None:
            connections.close_all()
            leaving.wait()  # so that each thread takes exactly one of these

        for future in [self.submit(leave) for _ in range(self._count)]:
            future.result()
        return super().__exit__(*failure)
