"""Event streams under gunicorn: their capacity and threads, and calls that must not wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
from django.db import connection, transaction

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.models import SystemContract
from govsite.embedded import APP_ROLE
from govsite.gunicorn_settings import THREADS_FOR_CALLS
from tests.support.databases import server
from tests.support.events import PATIENCE_SECONDS, following
from tests.support.factories import pending_job
from tests.support.sites import client_of, running_site
from tests.support.users import Users

CAPACITY = 3
ONE_PROCESS = {"GUNICORN_CMD_ARGS": "--workers=1", "GOVSITE_MAX_STREAMS": str(CAPACITY)}


def wait_until(holds: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def response_to(client: httpx.Client, address: str) -> httpx.Response:
    """Return the response; read an error to its end, and close a stream at once."""
    with client.stream("GET", address) as answer:
        if answer.status_code != 200:
            answer.read()
        return answer


def sessions(*, waiting_for_a_lock: bool = False) -> int:
    """Return the number of the application's sessions on this test's database."""
    waiting = "AND wait_event_type = 'Lock'" if waiting_for_a_lock else ""
    with server() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename = %s {waiting}",
            [connection.settings_dict["NAME"], APP_ROLE],
        )
        (count,) = cursor.fetchone()
    return int(count)


def test_streams__at_capacity__leave_all_other_threads_and_connections_to_calls(
    committed: Users,
) -> None:
    followed, locked = pending_job(committed), pending_job(committed)
    with ExitStack() as stack:
        address = stack.enter_context(running_site(ONE_PROCESS))
        viewer = stack.enter_context(client_of(address, committed.viewer))
        founder = stack.enter_context(client_of(address, committed.founder))
        streams = [stack.enter_context(following(viewer, followed.pk)) for _ in range(CAPACITY)]
        for stream in streams:
            stream.events(1)
        callers = stack.enter_context(ThreadPoolExecutor(THREADS_FOR_CALLS))
        with transaction.atomic():
            SystemContract.objects.lock(locked.contract_id)
            calls = [
                callers.submit(
                    founder.post, f"jobs/{locked.pk}/cancel/", json={"reason": "No longer wanted."}
                )
                for _ in range(THREADS_FOR_CALLS)
            ]
            # Each call now holds a thread and a connection; no other connection may be open.
            wait_until(
                lambda: sessions(waiting_for_a_lock=True) == THREADS_FOR_CALLS,
                "some call found no thread, or no connection",
            )
            assert sessions() == THREADS_FOR_CALLS
        answers = sorted(call.result().status_code for call in calls)
        assert answers == [200] + [409] * (THREADS_FOR_CALLS - 1)
        GovernanceOrchestrator.start_job(job_id=followed.pk, executor=committed.executor)
        for stream in streams:
            assert [event.name for event in stream.events(1)] == ["job.execution.started"]


def test_stream__beyond_capacity__503_until_a_client_disconnects(committed: Users) -> None:
    job = pending_job(committed)
    events = f"jobs/{job.pk}/events/"
    # Without a heartbeat within the test, no write detects a disconnected client.
    silent = ONE_PROCESS | {"GOVSITE_STREAM_HEARTBEAT_SECONDS": "300"}
    with ExitStack() as stack:
        address = stack.enter_context(running_site(silent))
        viewer = stack.enter_context(client_of(address, committed.viewer))
        *_, last = [stack.enter_context(following(viewer, job.pk)) for _ in range(CAPACITY)]
        refused = response_to(viewer, events)
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json()["code"] == "too_many_streams"
        assert int(refused.headers["Retry-After"]) > 0
        assert viewer.head(events).status_code == 200
        assert viewer.get(f"jobs/{job.pk}/").status_code == 200
        last.answer.close()
        wait_until(
            lambda: response_to(viewer, events).status_code == 200,
            "the place of a client that left stays taken",
        )


def test_stream_capacity__of_a_server_with_few_threads__is_none(committed: Users) -> None:
    job = pending_job(committed)
    few = {"GUNICORN_CMD_ARGS": "--workers=1 --threads=4"}
    with running_site(few) as address, client_of(address, committed.viewer) as viewer:
        refused = response_to(viewer, f"jobs/{job.pk}/events/")
        assert refused.json()["code"] == "too_many_streams"
        assert viewer.get(f"jobs/{job.pk}/").status_code == 200


def test_stream__of_a_site_that_stops__ends_in_good_order(committed: Users) -> None:
    job = pending_job(committed)
    with ExitStack() as stack:
        site = stack.enter_context(ExitStack())
        address = site.enter_context(running_site(ONE_PROCESS))
        viewer = stack.enter_context(client_of(address, committed.viewer))
        stream = stack.enter_context(following(viewer, job.pk))
        stream.events(1)
        site.close()
        assert stream.rest() == []  # a killed process would cut the stream within a chunk


def test_stream__whose_database_goes_and_comes_back__goes_on(committed: Users) -> None:
    job = pending_job(committed)
    beating = ONE_PROCESS | {"GOVSITE_STREAM_HEARTBEAT_SECONDS": "1"}
    with ExitStack() as stack:
        address = stack.enter_context(running_site(beating))
        viewer = stack.enter_context(client_of(address, committed.viewer))
        stream = stack.enter_context(following(viewer, job.pk))
        stream.events(1)
        with database_down():
            assert sessions() == 0
            stream.beat()
            stream.beat()
            assert sessions() == 0
        GovernanceOrchestrator.start_job(job_id=job.pk, executor=committed.executor)
        assert [event.name for event in stream.events(1)] == ["job.execution.started"]


@contextmanager
def database_down() -> Iterator[None]:
    """Terminate all sessions on this test's database and refuse new ones during the block."""
    name = connection.settings_dict["NAME"]
    connection.close()
    with server() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            [name],
        )
        try:
            yield
        finally:
            cursor.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
