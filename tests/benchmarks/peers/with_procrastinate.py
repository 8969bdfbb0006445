"""Procrastinate: a job is put into a queue, and a worker takes it and marks it as done."""

from __future__ import annotations

import os
from typing import Any

from procrastinate import App, PsycopgConnector

from tests.benchmarks.crew import Work


def prepare(url: str) -> None:
    """Make its tables."""
    with _app(url).open() as app:
        app.schema_manager.apply_schema()


def arrive(url: str) -> dict[str, Work]:
    app = _app(url)
    queue = f"bench-{os.getpid()}"

    @app.task(queue=queue, name="run_step")  # type: ignore[untyped-decorator]
    def run_step(index: int) -> None:
        pass

    def whole(jobs: int) -> None:
        with app.open():
            for index in range(jobs):
                run_step.defer(index=index)
        # In good order: it leaves when nothing is left to do.
        app.run_worker(queues=[queue], wait=False, install_signal_handlers=False)

    return {"whole": whole}


def _app(url: str) -> Any:
    return App(connector=PsycopgConnector(conninfo=url))
