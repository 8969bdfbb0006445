"""The line over HTTP: readable for all; and an executor hears why it gets nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, report_body
from tests.support.attacks import nothing_written
from tests.support.cast import Cast
from tests.support.line import HOUR, frozen, thawed
from tests.support.stories import approved, now, pending_job, running_job

RUNS = {"frozen": False, "until": None, "reason": None, "by": None, "since": None}


def spelled(at: Any) -> str:
    return str(at.isoformat()).replace("+00:00", "Z")


def test_line__never_frozen__runs(cast: Cast, client_for: ClientFor) -> None:
    answer = client_for(cast.executor).get(f"{API}line/")
    assert (answer.status_code, answer.json()) == (200, RUNS)
    assert answer["Cache-Control"] == "no-store"


def test_line__frozen__says_until_when_why_and_by_whom(cast: Cast, client_for: ClientFor) -> None:
    frozen(cast, hours=1, reason="Shorter.")
    freeze = frozen(cast, hours=2)
    assert client_for(cast.executor).get(f"{API}line/").json() == {
        "frozen": True,
        "until": spelled(freeze.ends_at),
        "reason": "The payment provider is down.",
        "by": "founder",
        "since": spelled(freeze.frozen_at),
    }


def test_line__thawed_or_over__runs_again(cast: Cast, client_for: ClientFor) -> None:
    thawed(cast, frozen(cast))
    frozen(cast, at=now() - 2 * HOUR)
    assert client_for(cast.viewer).get(f"{API}line/").json() == RUNS


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_line__is_not_stopped_over_http(cast: Cast, client_for: ClientFor, method: str) -> None:
    answer = getattr(client_for(cast.founder), method)(f"{API}line/", {"reason": "Stop."})
    assert_problem(answer, 405, "method_not_allowed")


def test_line__with_a_parameter__refused(cast: Cast, client_for: ClientFor) -> None:
    answer = client_for(cast.viewer).get(f"{API}line/?at=now")
    assert_problem(answer, 400, "invalid_parameter", path="at")


@pytest.mark.parametrize("call", ["claim", "start", "activate"])
def test_call__while_frozen__409_with_until_and_reason(
    cast: Cast, client_for: ClientFor, call: str
) -> None:
    job, contract = pending_job(cast), approved(cast)
    freeze = frozen(cast)
    address = {
        "claim": "jobs/claim/",
        "start": f"jobs/{job.pk}/start/",
        "activate": f"contracts/{contract.pk}/activate/",
    }[call]
    with nothing_written():
        answer = client_for(cast.executor).post(API + address)
    problem = assert_problem(answer, 409, "line_frozen")
    assert problem["details"]["reason"] == freeze.reason
    assert problem["details"]["until"] == spelled(freeze.ends_at)
    thawed(cast, freeze)
    assert client_for(cast.executor).post(API + address).status_code in (200, 201)


def test_claim__nothing_waits_and_frozen__409_not_204(cast: Cast, client_for: ClientFor) -> None:
    frozen(cast)
    assert_problem(client_for(cast.executor).post(f"{API}jobs/claim/"), 409, "line_frozen")


def test_running_job__while_frozen__is_reported_and_completed(
    cast: Cast, client_for: ClientFor
) -> None:
    running, client = running_job(cast), client_for(cast.executor)
    frozen(cast)
    address = f"{API}jobs/{running.job.pk}/"
    for step in range(3):
        answer = client.post(f"{address}results/", report_body(running.token, step))
        assert answer.status_code == 201, answer.content
    answer = client.post(f"{address}complete/", {"execution_token": running.token})
    assert (answer.status_code, answer.json()["status"]) == (200, "COMPLETED")


def test_start__of_a_job_that_runs__is_refused_for_that_and_not_for_the_freeze(
    cast: Cast, client_for: ClientFor
) -> None:
    running = running_job(cast)
    frozen(cast)
    answer = client_for(cast.executor).post(f"{API}jobs/{running.job.pk}/start/")
    assert_problem(answer, 409, "invalid_job_transition")
