"""Queries about the workers and their queue, in the tables of procrastinate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from governance.db.rows import fetch_rows

# A worker renews its heartbeat every ten seconds.
MAX_SILENCE = timedelta(minutes=2)
MAX_LISTENERS = 100
LISTENERS_OF_WORKER = 2

_LISTENERS = """
    SELECT worker.id, clock_timestamp() - worker.last_heartbeat,
           (SELECT count(*) FROM procrastinate_jobs
             WHERE worker_id = worker.id AND status = 'doing')
      FROM procrastinate_workers worker
     ORDER BY worker.last_heartbeat DESC, worker.id LIMIT %s"""

# A task waits since its time, or since the event that enqueued it. A task that a worker took and
# that has no worker any more, or a silent one, is not counted as running.
_QUEUE = """
    SELECT task_name,
           count(*) FILTER (WHERE status = 'todo' AND since <= clock_timestamp()),
           count(*) FILTER (WHERE status = 'todo' AND since > clock_timestamp()),
           count(*) FILTER (WHERE status = 'doing' AND is_alive),
           count(*) FILTER (WHERE status = 'doing' AND NOT is_alive),
           count(*) FILTER (WHERE status = 'failed'
                              AND ended > clock_timestamp() - interval '1 day'),
           max(clock_timestamp() - since) FILTER (WHERE status = 'todo'
                                                    AND since <= clock_timestamp())
      FROM (SELECT task.task_name, task.status, event.failed AS ended,
                   coalesce(task.scheduled_at, event.enqueued) AS since,
                   coalesce(worker.last_heartbeat > clock_timestamp() - %s, false) AS is_alive
              FROM procrastinate_jobs task
              LEFT JOIN procrastinate_workers worker ON worker.id = task.worker_id
              CROSS JOIN LATERAL (
                  SELECT max(at) FILTER (WHERE type = 'failed') AS failed,
                         max(at) FILTER (WHERE type = 'deferred') AS enqueued
                    FROM procrastinate_events WHERE job_id = task.id) event
             WHERE task.status IN ('todo', 'doing', 'failed')) tasks
     GROUP BY task_name ORDER BY task_name"""


@dataclass(frozen=True, slots=True)
class Listener:
    """A process on one of its two queues; `silence` is the time since its last heartbeat."""

    listener_id: int
    silence: timedelta
    running_tasks: int

    @property
    def is_silent(self) -> bool:
        return self.silence > MAX_SILENCE


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """The tasks of one name in the queue.

    `due_later` tasks have a time that has not come; `lost` tasks have a worker that stopped;
    `failed` are those of the last day; `longest_wait` is None if none waits.
    """

    task_name: str
    waiting: int
    due_later: int
    running: int
    lost: int
    failed: int
    longest_wait: timedelta | None


def read_listeners() -> list[Listener]:
    """Return what listens to the queue, the last heartbeat first: two for each worker process.

    One query, of at most `MAX_LISTENERS`. A worker that starts removes the entries of killed ones.
    """
    return [Listener(*row) for row in fetch_rows(_LISTENERS, [MAX_LISTENERS])]


def count_workers() -> int:
    """Count the worker processes that answer; each has an entry for each of its two queues."""
    answering = sum(not listener.is_silent for listener in read_listeners())
    return -(-answering // LISTENERS_OF_WORKER)


def count_tasks() -> list[TaskCounts]:
    """Count the tasks in the queue, by name; one query. Tasks that succeeded are not kept."""
    return [TaskCounts(*row) for row in fetch_rows(_QUEUE, [MAX_SILENCE])]
