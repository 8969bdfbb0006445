"""The two queues that `workers` compares: our jobs, and tasks of procrastinate that do nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from governance.workers.running import DEFAULT_CONCURRENCY
from tests.benchmarks.database import ROOT
from tests.benchmarks.names import EMPTY
from tests.support.worker_process import working

WORKERS = 2
POLL_SECONDS = 0.005
PATIENCE_SECONDS = 300
_WAITING = """
    SELECT FROM procrastinate_jobs WHERE queue_name = %s AND status IN ('todo', 'doing') LIMIT 1
"""
_DEFER = (
    "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES (%(q)s, %(q)s), (%(q)s, %(q)s)"
)


@contextmanager
def governed_workers(routes: Path) -> Iterator[None]:
    """Run two processes of `manage.py worker` on the database of DATABASE_URL."""
    environment = {
        "DATABASE_URL": os.environ["DATABASE_URL"],
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
    }
    concurrency = ("--concurrency", str(DEFAULT_CONCURRENCY))
    with ExitStack() as stack:
        for _ in range(WORKERS):
            stack.enter_context(working(routes, *concurrency, **environment))
        yield


@contextmanager
def empty_workers(session: psycopg.Connection) -> Iterator[None]:
    """Run as many workers whose task does nothing, with the same concurrency."""
    session.execute("CREATE TABLE deferred_job (id bigserial PRIMARY KEY, made_at timestamptz)")
    before = _listening(session)
    command = [sys.executable, "-m", "tests.benchmarks.empty_worker", str(DEFAULT_CONCURRENCY)]
    workers = [
        subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) for _ in range(WORKERS)
    ]
    try:
        wait_until(lambda: _listening(session) == before + WORKERS)
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def defer_empty_tasks(session: psycopg.Connection, jobs: int) -> None:
    """Insert one row and two tasks in one transaction, for each job."""
    for _ in range(jobs):
        with session.transaction():
            session.execute("INSERT INTO deferred_job (made_at) VALUES (now())")
            session.execute(_DEFER, {"q": EMPTY})


def wait_until_empty(session: psycopg.Connection, queue: str) -> None:
    """Wait until no task of the queue waits or runs."""
    wait_until(lambda: session.execute(_WAITING, [queue]).fetchone() is None)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds.

    Raises:
        RuntimeError: It does not hold after five minutes.
    """
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > give_up_at:
            raise RuntimeError("The workers did not end their work within five minutes.")
        time.sleep(POLL_SECONDS)


def _listening(session: psycopg.Connection) -> int:
    row = session.execute("SELECT count(*) FROM procrastinate_workers").fetchone()
    return int(row[0]) if row else 0
