"""Change freezes over HTTP: all roles read them, and an executor's claim reports an active one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, report_body
from tests.support.attacks import nothing_written
from tests.support.factories import approved, now, pending_job, running_job
from tests.support.freezes import HOUR, frozen, lifted
from tests.support.users import Users

NO_FREEZE = {"frozen": False, "until": None, "reason": None, "by": None, "since": None}


def rfc_3339(at: Any) -> str:
    return str(at.isoformat()).replace("+00:00", "Z")


def test_freeze_state__without_a_freeze__is_not_frozen(users: Users, client_for: ClientFor) -> None:
    answer = client_for(users.executor).get(f"{API}freezes/")
    assert (answer.status_code, answer.json()) == (200, NO_FREEZE)
    assert answer["Cache-Control"] == "no-store"


def test_freeze_state__during_a_freeze__says_until_when_why_and_by_whom(
    users: Users, client_for: ClientFor
) -> None:
    frozen(users, hours=1, reason="Shorter.")
    freeze = frozen(users, hours=2)
    assert client_for(users.executor).get(f"{API}freezes/").json() == {
        "frozen": True,
        "until": rfc_3339(freeze.ends_at),
        "reason": "The payment provider is down.",
        "by": "founder",
        "since": rfc_3339(freeze.started_at),
    }


def test_freeze_state__after_a_lifted_or_ended_freeze__is_not_frozen(
    users: Users, client_for: ClientFor
) -> None:
    lifted(users, frozen(users))
    frozen(users, at=now() - 2 * HOUR)
    assert client_for(users.viewer).get(f"{API}freezes/").json() == NO_FREEZE


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_freeze__cannot_be_started_over_http(
    users: Users, client_for: ClientFor, method: str
) -> None:
    answer = getattr(client_for(users.founder), method)(f"{API}freezes/", {"reason": "Stop."})
    assert_problem(answer, 405, "method_not_allowed")


def test_freeze_state__with_a_parameter__refused(users: Users, client_for: ClientFor) -> None:
    answer = client_for(users.viewer).get(f"{API}freezes/?at=now")
    assert_problem(answer, 400, "invalid_parameter", path="at")


@pytest.mark.parametrize("call", ["claim", "start", "activate"])
def test_call__while_frozen__409_with_until_and_reason(
    committed: Users, client_for: ClientFor, call: str
) -> None:
    job, contract = pending_job(committed), approved(committed)
    freeze = frozen(committed)
    address = {
        "claim": "jobs/claim/",
        "start": f"jobs/{job.pk}/start/",
        "activate": f"contracts/{contract.pk}/activate/",
    }[call]
    client = client_for(committed.executor)
    with nothing_written():
        answer = client.post(API + address)
    problem = assert_problem(answer, 409, "change_freeze_active")
    assert problem["details"]["reason"] == freeze.reason
    assert problem["details"]["until"] == rfc_3339(freeze.ends_at)
    lifted(committed, freeze)
    assert client.post(API + address).status_code in (200, 201)


def test_claim__nothing_waits_and_frozen__409_not_204(users: Users, client_for: ClientFor) -> None:
    frozen(users)
    assert_problem(
        client_for(users.executor).post(f"{API}jobs/claim/"), 409, "change_freeze_active"
    )


def test_running_job__while_frozen__is_reported_and_completed(
    users: Users, client_for: ClientFor
) -> None:
    running, client = running_job(users), client_for(users.executor)
    frozen(users)
    address = f"{API}jobs/{running.job.pk}/"
    for step in range(3):
        answer = client.post(f"{address}results/", report_body(running.token, step))
        assert answer.status_code == 201, answer.content
    answer = client.post(f"{address}complete/", {"execution_token": running.token})
    assert (answer.status_code, answer.json()["status"]) == (200, "COMPLETED")


def test_start__of_a_job_that_runs__is_refused_for_that_and_not_for_the_freeze(
    users: Users, client_for: ClientFor
) -> None:
    running = running_job(users)
    frozen(users)
    answer = client_for(users.executor).post(f"{API}jobs/{running.job.pk}/start/")
    assert_problem(answer, 409, "invalid_job_transition")
