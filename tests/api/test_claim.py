"""Concurrent claims of jobs, on real connections."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic, sleep
from typing import Any

import pytest
from django.db import connection, transaction

from governance.authorities.orchestrator import tracking
from governance.models import GovernanceJob
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.support.clients import ApiClient
from tests.support.factories import apart, pending_job
from tests.support.users import Users

TUNED = {"type": "parameter_change", "scope": "Search", "parameters": {"k": 1}}


@contextmanager
def oldest_job_locked(release: threading.Event) -> Iterator[None]:
    """Hold the lock of the oldest pending job on another connection until `release` is set."""
    held = threading.Event()

    def hold_lock() -> None:
        try:
            with transaction.atomic():
                job = GovernanceJob.objects.filter(status="PENDING").earliest("created_at")
                GovernanceJob.objects.lock(job.pk)
                held.set()
                release.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=hold_lock)
    thread.start()
    try:
        assert held.wait(30)
        yield
    finally:
        release.set()
        thread.join()


def test_claim__while_the_only_job_is_locked_briefly__gets_it(
    committed: Users, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "MAX_CLAIM_PAUSE_SECONDS", 2.0)
    job, client = pending_job(committed), client_for(committed.executor)
    release = threading.Event()
    with oldest_job_locked(release):
        threading.Timer(0.05, release.set).start()
        answer = client.post(f"{API}jobs/claim/")
    assert answer.status_code == 200, answer.content
    assert answer.json()["id"] == str(job.pk)


def test_claim__while_the_only_job_stays_locked__gives_up_soon(
    committed: Users, client_for: ClientFor
) -> None:
    pending_job(committed)
    client = client_for(committed.executor)
    with oldest_job_locked(threading.Event()):
        begun = monotonic()
        answer = client.post(f"{API}jobs/claim/")
        assert monotonic() - begun < 5
    assert answer.status_code == 204


def test_claim__by_four_executors_at_once__gives_each_job_to_one(
    committed: Users, client_for: ClientFor
) -> None:
    jobs = {str(pending_job(committed, **apart()).pk) for _ in range(12)}
    clients = [client_for(committed.executor) for _ in range(4)]

    def claim_all(client: ApiClient) -> list[str]:
        claimed = []
        try:
            for _ in range(30):
                answer = client.post(f"{API}jobs/claim/")
                assert answer.status_code in (200, 204), answer.content
                if answer.status_code == 200:
                    claimed.append(answer.json()["id"])
                else:
                    sleep(0.01)
        finally:
            connection.close()
        return claimed

    with ThreadPoolExecutor(4) as pool:
        claimed = [job for share in pool.map(claim_all, clients) for job in share]
    assert sorted(claimed) == sorted(jobs)


def test_claim__naming_step_types__takes_the_oldest_job_that_it_can_do(
    users: Users, client_for: ClientFor
) -> None:
    client = client_for(users.executor)
    pending_job(users)
    served = pending_job(users, proposed_changes=[TUNED])
    answer = client.post(f"{API}jobs/claim/", {"step_types": ["parameter_change"]})
    assert (answer.status_code, answer.json()["id"]) == (200, str(served.pk))
    assert client.post(f"{API}jobs/claim/", {"step_types": ["parameter_change"]}).status_code == 204


@pytest.mark.parametrize(("spare", "status"), [(60, 200), (-60, 204)])
def test_claim__naming_step_types__needs_a_window_that_the_plan_fits_into(
    users: Users, client_for: ClientFor, settings: Any, spare: int, status: int
) -> None:
    seconds = int(timedelta(hours=24).total_seconds()) - spare
    settings.GOVSITE = settings.GOVSITE | {"STEP_TIMEOUT_SECONDS": seconds}
    pending_job(users, proposed_changes=[TUNED])
    answer = client_for(users.executor).post(
        f"{API}jobs/claim/", {"step_types": ["parameter_change"]}
    )
    assert answer.status_code == status


@pytest.mark.parametrize("step_types", [[], "parameter_change", [1], ["x"] * 51])
def test_claim__naming_no_step_types_as_text__refused(
    users: Users, client_for: ClientFor, step_types: Any
) -> None:
    answer = client_for(users.executor).post(f"{API}jobs/claim/", {"step_types": step_types})
    assert_problem(answer, 400, "invalid_input")
