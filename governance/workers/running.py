"""The process of a worker: it listens to the queue, and works on several tasks at a time."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psycopg
import psycopg_pool
from django.conf import settings
from django.db import connections
from django.db.utils import ConnectionHandler
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException
from procrastinate.psycopg_connector import PsycopgConnector

from governance.workers.tasks import STOPPING
from govsite.databases import POOL_OPTIONS
from govsite.postgresql.base import is_quiet

logger = logging.getLogger(__name__)

DEFAULT_CONCURRENCY = 4
MAX_CONCURRENCY = 64
# What is due by time does not wait for jobs, which may take as long as their steps.
SWEEPS_AT_A_TIME = 2
RECONNECT_SECONDS = 2.0
# Notifications wake the worker; it also looks by itself, because one may be lost.
POLL_SECONDS = 5.0

_LOST = (ConnectorException, psycopg.OperationalError, psycopg_pool.PoolTimeout)


def run_worker(*, concurrency: int) -> None:
    """Work until SIGTERM or SIGINT; then finish what has begun. A second signal exits at once."""
    _share_connections(concurrency)
    asyncio.run(_work(concurrency))


async def _work(concurrency: int) -> None:
    loop = asyncio.get_running_loop()
    threads = concurrency + SWEEPS_AT_A_TIME
    loop.set_default_executor(ThreadPoolExecutor(threads, thread_name_prefix="task"))
    stopping = asyncio.Event()

    def stop(number: int) -> None:
        if STOPPING.is_set():
            logger.warning("worker: stopped at once; the jobs that ran fail when their leases end")
            os._exit(128 + number)
        STOPPING.set()
        stopping.set()
        logger.info("worker: stopping; what has begun is finished, a second signal exits at once")

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    logger.info("worker: started, %s jobs at a time", concurrency)
    while not stopping.is_set():
        try:
            await _until(stopping, concurrency)
        except _LOST as trouble:
            logger.warning("worker: the database does not answer: %s", trouble)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), RECONNECT_SECONDS)
    logger.info("worker: stopped")


async def _until(stopping: asyncio.Event, concurrency: int) -> None:
    """Work on the queue until `stopping` is set, or the database is lost."""
    with app.replace_connector(_connector()):
        async with app.open_async():
            workers = [
                asyncio.create_task(_listen("runs", concurrency)),
                asyncio.create_task(_listen("sweeps", SWEEPS_AT_A_TIME)),
            ]
            asked = asyncio.create_task(stopping.wait())
            await asyncio.wait([*workers, asked], return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            for worker in workers:
                worker.cancel()  # it takes no further task, and waits for those that run
            ends = await asyncio.gather(*workers, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


async def _listen(queue: str, concurrency: int) -> None:
    await app.run_worker_async(
        queues=[queue],
        name=queue,
        concurrency=concurrency,
        fetch_job_polling_interval=POLL_SECONDS,
        delete_jobs="successful",
        install_signal_handlers=False,
    )


def _share_connections(concurrency: int) -> None:
    """Let the threads of tasks and steps share connections; each step has a thread of its own."""
    connections.close_all()
    most = 2 * concurrency + SWEEPS_AT_A_TIME
    database = connections["default"].settings_dict
    database |= {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}
    database["OPTIONS"]["pool"] = POOL_OPTIONS | {"max_size": most}


def _connector() -> PsycopgConnector:
    """Make the direct connections of the queue; LISTEN does not pass every pooler."""
    if settings.GOVSITE_WORKER_DATABASE is None:
        database = connections["default"]
    else:
        database = ConnectionHandler({"default": settings.GOVSITE_WORKER_DATABASE})["default"]
    params: dict[str, Any] = database.get_connection_params()
    for name in ("cursor_factory", "context"):
        params.pop(name, None)
    return PsycopgConnector(
        kwargs=params,
        configure=_commit_each_statement,
        pool_factory=_make_pool,
        min_size=1,
        max_size=4,
        timeout=POOL_OPTIONS["timeout"],
        reconnect_timeout=POOL_OPTIONS["reconnect_timeout"],
    )


async def _commit_each_statement(connection: psycopg.AsyncConnection[Any]) -> None:
    """Let each statement of the queue be a transaction without further round trips."""
    await connection.set_autocommit(True)


def _make_pool(**options: Any) -> psycopg_pool.AsyncConnectionPool[Any]:
    """Make the pool of the queue, which checks a quiet connection without a round trip."""
    return psycopg_pool.AsyncConnectionPool(**options | {"check": _check_unless_quiet})


async def _check_unless_quiet(connection: psycopg.AsyncConnection[Any]) -> None:
    if not is_quiet(connection):
        await psycopg_pool.AsyncConnectionPool.check_connection(connection)
