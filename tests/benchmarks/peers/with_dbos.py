"""DBOS: a durable workflow of three steps, each checkpointed, as its guide shows."""

from __future__ import annotations

import os

from dbos import DBOS

from tests.benchmarks.worker_pool import Work


@DBOS.step()
def run_step(index: int) -> dict[str, int]:
    return {"done": index}


@DBOS.workflow()
def run_job(number: int) -> int:
    return sum(run_step(index)["done"] for index in range(3))


def prepare(url: str) -> None:
    """Create the tables of DBOS."""
    _launch(url)
    DBOS.destroy()


def set_up_worker(url: str) -> dict[str, Work]:
    _launch(url)
    return {"whole": run_job}


def _launch(url: str) -> None:
    DBOS(
        config={
            "name": "bench",
            "system_database_url": url.replace("postgresql://", "postgresql+psycopg://"),
            # After a crash, DBOS resumes only the workflows of the same executor id.
            "executor_id": str(os.getpid()),
            "application_version": "bench",
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
