"""Leases over HTTP: an executor sees how long it has, and hears that it came too late."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from governance.flows.sweep import fail_timed_out_jobs
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, report_body
from tests.support.attacks import nothing_written
from tests.support.cast import Cast
from tests.support.stories import Running, again, finished_job, now, pending_job, running_job

LONG_AGO = timedelta(minutes=10)


def told(answer: Any) -> datetime | None:
    """The lease in an answer."""
    text = answer.json()["lease_expires_at"]
    return datetime.fromisoformat(text) if text else None


def send(client: Any, running: Running, call: str, step_index: int = 0) -> Any:
    completion = {"execution_token": running.token}
    body = report_body(running.token, step_index) if call == "results" else completion
    return client.post(f"{API}jobs/{running.job.pk}/{call}/", body)


@pytest.mark.parametrize("call", ["claim/", "{}/start/"])
def test_claim_and_start__tell_the_lease(cast: Cast, client_for: ClientFor, call: str) -> None:
    job = pending_job(cast)
    answer = client_for(cast.executor).post(f"{API}jobs/{call.format(job.pk)}")
    lease = told(answer)
    assert lease == again(job).lease_expires_at
    assert lease
    assert timedelta(minutes=5) < lease - now() <= timedelta(minutes=6)


def test_results__tell_the_lease_that_the_report_renewed(cast: Cast, client_for: ClientFor) -> None:
    running = running_job(cast, at=now() - timedelta(minutes=2))
    before = again(running.job).lease_expires_at
    executor = client_for(cast.executor)
    first, repeated = (send(executor, running, "results") for _ in range(2))
    assert (first.status_code, repeated.status_code) == (201, 200)
    lease = told(first)
    assert lease == told(repeated) == again(running.job).lease_expires_at
    assert lease
    assert lease > before + timedelta(minutes=1)


def test_job__read__tells_the_lease_only_while_it_runs(cast: Cast, client_for: ClientFor) -> None:
    viewer = client_for(cast.viewer)
    jobs = [pending_job(cast), finished_job(cast), running_job(cast).job]
    leases = [again(job).lease_expires_at for job in jobs]
    assert leases[:2] == [None, None]
    assert [told(viewer.get(f"{API}jobs/{job.pk}/")) for job in jobs] == leases
    listed = {row["id"]: row for row in viewer.get(f"{API}jobs/").json()["results"]}
    assert [listed[str(job.pk)]["lease_expires_at"] is None for job in jobs] == [True, True, False]


@pytest.mark.parametrize("call", ["results", "complete"])
def test_report_or_complete__after_the_lease__409(
    cast: Cast, client_for: ClientFor, call: str
) -> None:
    running = running_job(cast, at=now() - LONG_AGO)
    with nothing_written():
        answer = send(client_for(cast.executor), running, call)
        problem = assert_problem(answer, 409, "lease_lapsed")
    lapsed_at = datetime.fromisoformat(problem["details"]["lease_expires_at"])
    assert lapsed_at == again(running.job).lease_expires_at


def test_late_report__under_another_token__is_stale_first(
    cast: Cast, client_for: ClientFor
) -> None:
    running = running_job(cast, at=now() - LONG_AGO)
    running.token = "another"
    answer = send(client_for(cast.executor), running, "results")
    assert_problem(answer, 409, "stale_execution")


def test_lost_executor__comes_back_after_the_sweep__409_and_the_record_stays(
    cast: Cast, client_for: ClientFor
) -> None:
    running = running_job(cast, at=now() - LONG_AGO)
    [_] = fail_timed_out_jobs(actor=cast.operator, at=now())
    executor = client_for(cast.executor)
    shown = executor.get(f"{API}jobs/{running.job.pk}/").json()
    assert (shown["status"], shown["lease_expires_at"]) == ("FAILED", None)
    assert "executor lost at step 0, outcome unknown" in shown["end_reason"]
    with nothing_written():
        for call in ("results", "complete"):
            assert_problem(send(executor, running, call), 409, "job_immutable")
        answer = executor.post(f"{API}jobs/{running.job.pk}/start/")
        assert_problem(answer, 409, "job_immutable")
        assert executor.post(f"{API}jobs/claim/").status_code == 204
