"""procrastinate: a job is deferred to a queue, and a worker fetches it and marks it as done."""

from __future__ import annotations

import os
from typing import Any

from procrastinate import App, PsycopgConnector

from tests.benchmarks.worker_pool import Work

TASK = "run_step"


def prepare(url: str) -> None:
    """Create the tables of procrastinate."""
    with _app(url).open() as app:
        app.schema_manager.apply_schema()


def set_up_worker(url: str) -> dict[str, Work]:
    # A worker closes its app at the end of a run, so jobs are deferred by another app.
    putting, working = _app(url).open(), _app(url)
    queue = f"bench-{os.getpid()}"

    @working.task(name=TASK, queue=queue)  # type: ignore[untyped-decorator]
    def run_step(index: int) -> None:
        pass

    def whole(jobs: int) -> None:
        defer = putting.configure_task(TASK, queue=queue).defer
        for index in range(jobs):
            defer(index=index)
        # With wait=False the worker ends when the queue is empty.
        working.run_worker(queues=[queue], wait=False, install_signal_handlers=False)

    return {"whole": whole}


def _app(url: str) -> Any:
    return App(connector=PsycopgConnector(conninfo=url))
