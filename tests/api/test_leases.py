"""Leases over HTTP: responses show when a lease expires, and late reports are refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from governance.domain.canonical import timestamp
from governance.flows.sweep import fail_timed_out_jobs
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, report_body
from tests.support.attacks import nothing_written
from tests.support.factories import Running, finished_job, now, pending_job, reloaded, running_job
from tests.support.users import Users

LONG_AGO = timedelta(minutes=10)


def lease_of(answer: Any) -> datetime | None:
    """Return the lease's expiry in a response."""
    text = answer.json()["lease_expires_at"]
    return datetime.fromisoformat(text) if text else None


def send(client: Any, running: Running, call: str, step_index: int = 0) -> Any:
    completion = {"execution_token": running.token}
    # The step ran when the job started, so the report is the same when it is sent again.
    at = timestamp(running.job.started_at)
    report = report_body(running.token, step_index, started_at=at, completed_at=at)
    body = report if call == "results" else completion
    return client.post(f"{API}jobs/{running.job.pk}/{call}/", body)


@pytest.mark.parametrize("call", ["claim/", "{}/start/"])
def test_claim_and_start__show_the_lease(users: Users, client_for: ClientFor, call: str) -> None:
    job = pending_job(users)
    answer = client_for(users.executor).post(f"{API}jobs/{call.format(job.pk)}")
    lease = lease_of(answer)
    assert lease == reloaded(job).lease_expires_at
    assert lease
    assert timedelta(minutes=5) < lease - now() <= timedelta(minutes=6)


def test_results__show_the_lease_that_the_report_renewed(
    users: Users, client_for: ClientFor
) -> None:
    running = running_job(users, at=now() - timedelta(minutes=2))
    before = reloaded(running.job).lease_expires_at
    executor = client_for(users.executor)
    first, repeated = (send(executor, running, "results") for _ in range(2))
    assert (first.status_code, repeated.status_code) == (201, 200)
    lease = lease_of(first)
    assert lease == lease_of(repeated) == reloaded(running.job).lease_expires_at
    assert lease
    assert lease > before + timedelta(minutes=1)


def test_job__read__shows_the_lease_only_while_it_runs(users: Users, client_for: ClientFor) -> None:
    viewer = client_for(users.viewer)
    jobs = [pending_job(users), finished_job(users), running_job(users).job]
    leases = [reloaded(job).lease_expires_at for job in jobs]
    assert leases[:2] == [None, None]
    assert [lease_of(viewer.get(f"{API}jobs/{job.pk}/")) for job in jobs] == leases
    listed = {row["id"]: row for row in viewer.get(f"{API}jobs/").json()["results"]}
    assert [listed[str(job.pk)]["lease_expires_at"] is None for job in jobs] == [True, True, False]


@pytest.mark.parametrize("call", ["results", "complete"])
def test_report_or_complete__after_the_lease__409(
    users: Users, client_for: ClientFor, call: str
) -> None:
    running = running_job(users, at=now() - LONG_AGO)
    with nothing_written():
        answer = send(client_for(users.executor), running, call)
        problem = assert_problem(answer, 409, "lease_expired")
    lapsed_at = datetime.fromisoformat(problem["details"]["lease_expires_at"])
    assert lapsed_at == reloaded(running.job).lease_expires_at


def test_late_report__under_another_token__is_stale_first(
    users: Users, client_for: ClientFor
) -> None:
    running = running_job(users, at=now() - LONG_AGO)
    running.token = "another"
    answer = send(client_for(users.executor), running, "results")
    assert_problem(answer, 409, "stale_execution")


def test_lost_executor__comes_back_after_the_sweep__409_and_the_record_stays(
    users: Users, client_for: ClientFor
) -> None:
    running = running_job(users, at=now() - LONG_AGO)
    [_] = fail_timed_out_jobs(actor=users.operator)
    executor = client_for(users.executor)
    shown = executor.get(f"{API}jobs/{running.job.pk}/").json()
    assert (shown["status"], shown["lease_expires_at"]) == ("FAILED", None)
    assert "executor lost at step 0, outcome unknown" in shown["end_reason"]
    with nothing_written():
        for call in ("results", "complete"):
            assert_problem(send(executor, running, call), 409, "job_immutable")
        answer = executor.post(f"{API}jobs/{running.job.pk}/start/")
        assert_problem(answer, 409, "job_immutable")
        assert executor.post(f"{API}jobs/claim/").status_code == 204
