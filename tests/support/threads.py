"""Threads that meet in one database; for tests with the `committed` fixture."""

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
    """What each call came to, a refusal of ours included, when all run at the same time.

    Each runs in a thread with a connection of its own, and is handed a function that waits until
    all the others have called it too.
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
    """What both came to, when `second` begins before `first` has committed and must wait for it.

    `first` runs in this thread; its transaction is left open until `second` waits for its locks,
    and until `meanwhile` has looked at that.
    """
    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            done = first()
            waiting = other.submit(_on_its_own, lambda wait: second(), lambda: None)
            deadline = time.monotonic() + MAX_WAIT_SECONDS
            while not _another_session_waits():
                assert not waiting.done(), f"It did not wait: {waiting.result()}"
                assert time.monotonic() < deadline, "Nobody waits for our locks."
                time.sleep(0.01)
            meanwhile()
        return done, waiting.result()


def _on_its_own(call: Callable[[Wait], Any], wait: Wait) -> Any:
    try:
        # Whoever waits for a lock that never comes is a failure, and not a test that hangs.
        run_sql("SELECT set_config('lock_timeout', %s, false)", f"{MAX_WAIT_SECONDS:.0f}s")
        return call(wait)
    except GovernanceError as refusal:
        return refusal
    finally:
        connections.close_all()


def _another_session_waits() -> bool:
    # Not pg_stat_activity: a transaction sees that as it was when it first looked.
    [(waits,)] = run_sql(
        "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted"
        " AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
    )
    return bool(waits)
