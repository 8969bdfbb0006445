"""Threads that meet in one database; for tests with the `committed` fixture."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

from django.db import connection, connections

from governance.vocabulary.errors import GovernanceError
from tests.support.attacks import run_sql

LONGEST_WAIT = 20.0

Wait = Callable[[], Any]


def at_once(*calls: Callable[[Wait], Any]) -> list[Any]:
    """What each call came to, a refusal of ours included, when all run at the same time.

    Each runs in a thread with a connection of its own, and is handed a function that waits until
    all the others have called it too.
    """
    barrier = Barrier(len(calls), timeout=LONGEST_WAIT)
    for_all = ThreadPoolExecutor(len(calls))
    with for_all:
        waiting = [for_all.submit(_on_its_own, call, barrier.wait) for call in calls]
        return [future.result(LONGEST_WAIT) for future in waiting]


@contextmanager
def meanwhile(call: Callable[[], Any]) -> Iterator[Future[Any]]:
    """Start `call` in another thread and go on once it waits for a lock of this session's."""
    with ThreadPoolExecutor(1) as other:
        future = other.submit(_on_its_own, lambda wait: call(), lambda: None)
        deadline = time.monotonic() + LONGEST_WAIT
        while not future.done() and not _somebody_waits():
            assert time.monotonic() < deadline, "Nobody waits for a lock."
            time.sleep(0.01)
        yield future


def _on_its_own(call: Callable[[Wait], Any], wait: Wait) -> Any:
    try:
        return call(wait)
    except GovernanceError as refusal:
        return refusal
    finally:
        connections.close_all()


def _somebody_waits() -> bool:
    return run_sql(
        "SELECT EXISTS (SELECT 1 FROM pg_stat_activity"
        " WHERE datname = %s AND wait_event_type = 'Lock')",
        connection.settings_dict["NAME"],
    )[0][0]
