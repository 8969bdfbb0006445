"""Concurrent calls in threads, on one database; for tests with the `committed` fixture."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connections, transaction

from governance.domain.errors import GovernanceError
from tests.support.attacks import run_sql

MAX_WAIT_SECONDS = 10.0

Wait = Callable[[], Any]


def at_once(*calls: Callable[[Wait], Any]) -> list[Any]:
    """Run all calls at the same time, each in a thread with a database connection of its own.

    Each call gets a function that waits until all other calls have called it too.

    Returns:
        What each call returned, or the GovernanceError that it raised, in the order of `calls`.
    """
    barrier = Barrier(len(calls), timeout=MAX_WAIT_SECONDS)
    for_all = ThreadPoolExecutor(len(calls))
    with for_all:
        waiting = [for_all.submit(_on_its_own, call, barrier.wait) for call in calls]
        return [future.result() for future in waiting]


def overtaking(
    first: Callable[[], Any],
    second: Callable[[], Any],
    *,
    meanwhile: Callable[[], Any] = lambda: None,
) -> tuple[Any, Any]:
    """Run `second` while the transaction of `first` is open and holds the locks that it needs.

    `first` runs in this thread. Its transaction commits when `second` waits for a lock and
    `meanwhile` has returned.

    Returns:
        What both returned, or the GovernanceError that `second` raised.
    """
    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            done = first()
            waiting = other.submit(_on_its_own, lambda wait: second(), lambda: None)
            deadline = time.monotonic() + MAX_WAIT_SECONDS
            while not _another_session_waits():
                assert not waiting.done(), f"`second` did not wait: {waiting.result()}"
                assert time.monotonic() < deadline, "No session waits for the locks of `first`."
                time.sleep(0.01)
            meanwhile()
        return done, waiting.result()


def _on_its_own(call: Callable[[Wait], Any], wait: Wait) -> Any:
    try:
        # With a timeout, a lock that is never released fails the test instead of hanging it.
        run_sql("SELECT set_config('lock_timeout', %s, false)", f"{MAX_WAIT_SECONDS:.0f}s")
        return call(wait)
    except GovernanceError as refusal:
        return refusal
    finally:
        connections.close_all()


def _another_session_waits() -> bool:
    # Not pg_stat_activity, of which a transaction keeps the snapshot of its first read.
    [(waits,)] = run_sql(
        "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted"
        " AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
    )
    return bool(waits)
