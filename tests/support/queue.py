"""Workers and tasks of tests, in the tables of the queue, as procrastinate leaves them."""

from __future__ import annotations

from datetime import timedelta

from tests.support.attacks import run_sql
from tests.support.roles import as_owner

NOW = timedelta(0)


def add_worker(*, silence: timedelta = NOW) -> int:
    """Add what a worker's process has for one queue, with a heartbeat that long ago."""
    [(worker,)] = run_sql(
        "INSERT INTO procrastinate_workers (last_heartbeat)"
        " VALUES (clock_timestamp() - %s) RETURNING id",
        silence,
    )
    return int(worker)


def add_task(
    name: str,
    *,
    waiting_since: timedelta | None = None,
    worker: int | None = None,
    failed_since: timedelta | None = None,
) -> int:
    """Add a task that waits, is run by a worker, or failed.

    Args:
        waiting_since: how long ago its time was; negative if it is to come, None without a time.
    """
    [(task,)] = run_sql(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args, scheduled_at)"
        " VALUES ('sweeps', %s, '{}', clock_timestamp() - %s::interval) RETURNING id",
        *(name, waiting_since),
    )
    if worker is not None:
        take = "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = %s"
        run_sql(take, worker, task)
    if failed_since is not None:
        for status in ("doing", "failed"):
            run_sql("UPDATE procrastinate_jobs SET status = %s WHERE id = %s", status, task)
        date_events(failed_since, task)
    return int(task)


def date_events(age: timedelta, task: int | None = None) -> None:
    """Let the events of a task, by default of all, be that old."""
    with as_owner():
        run_sql(
            "UPDATE procrastinate_events SET at = clock_timestamp() - %s"
            " WHERE job_id = coalesce(%s::bigint, job_id)",
            *(age, task),
        )
