"""Reports of several steps in one call: in order, and stored all or none."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.domain.canonical import timestamp
from governance.models import LedgerEntry, StepResult
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, report_body
from tests.support.factories import THREE_CHANGES, Running, now, pending_job, reloaded, running_job
from tests.support.users import Users

BROKEN = {"status": "FAILED", "error": "It broke.", "output": None}


def reports(*indexes: int, **fields: Any) -> list[dict[str, Any]]:
    """Return reports of completed steps; `send` adds when they ran."""
    completed = {"status": "COMPLETED", "output": {"done": True}}
    return [{"step_index": index} | completed | fields for index in indexes]


def send(
    client_for: ClientFor, running: Running, results: Any, *, token: str = "", **fields: Any
) -> Any:
    client = client_for(running.users.executor)
    at = timestamp(running.job.started_at or now())
    if isinstance(results, list):
        times = {"started_at": at, "completed_at": at}
        results = [times | one if isinstance(one, dict) else one for one in results]
    body = {"execution_token": token or running.token, "results": results} | fields
    return client.post(f"{API}jobs/{running.job.pk}/results/", body)


def test_batch__of_all_steps__has_a_ledger_entry_for_each_step(
    users: Users, client_for: ClientFor
) -> None:
    running = running_job(users)
    answer = send(client_for, running, reports(0, 1, 2))
    assert answer.status_code == 201, answer.content
    document = answer.json()
    assert [result["step_index"] for result in document["results"]] == [0, 1, 2]
    assert {result["recorded_by"] for result in document["results"]} == {"executor-1"}
    job = reloaded(running.job)
    assert job.current_step_index == 3
    assert document["lease_expires_at"] == job.lease_expires_at.isoformat().replace("+00:00", "Z")
    entries = LedgerEntry.objects.filter(event="job.step.completed").order_by("seq")
    assert [entry.step_index for entry in entries] == [0, 1, 2]
    assert running.complete().status == "COMPLETED"


def test_batch__that_ends_with_a_failure__is_kept(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    answer = send(client_for, running, [*reports(0), *reports(1, **BROKEN)])
    assert [one["status"] for one in answer.json()["results"]] == ["COMPLETED", "FAILED"]
    assert running.complete().status == "FAILED"


def test_batch__again__200_and_nothing_new(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    first = send(client_for, running, reports(0, 1))
    lease = reloaded(running.job).lease_expires_at
    second = send(client_for, running, reports(0, 1))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.content == first.content
    assert reloaded(running.job).lease_expires_at == lease
    assert LedgerEntry.objects.filter(event="job.step.completed").count() == 2


def test_batch__that_begins_with_what_is_known__keeps_the_rest(
    users: Users, client_for: ClientFor
) -> None:
    running = running_job(users)
    send(client_for, running, reports(0))
    answer = send(client_for, running, reports(0, 1, 2))
    assert answer.status_code == 201
    assert StepResult.objects.filter(job=running.job).count() == 3


@pytest.mark.parametrize(
    ("results", "code"),
    [
        (reports(1, 2), "step_out_of_order"),
        (reports(0, 2), "step_out_of_order"),
        (reports(1, 0), "step_out_of_order"),
        (reports(0, 1, 2, 3), "step_out_of_order"),
        ([*reports(0, **BROKEN), *reports(1)], "step_out_of_order"),
        ([*reports(0), *reports(0, output="other")], "result_conflict"),
    ],
)
def test_batch__of_which_one_is_refused__keeps_none(
    users: Users, client_for: ClientFor, results: Any, code: str
) -> None:
    running = running_job(users)
    problem = assert_problem(send(client_for, running, results), 409, code)
    assert "step_index" in problem["details"]
    assert not StepResult.objects.exists()
    assert reloaded(running.job).current_step_index == 0


@pytest.mark.parametrize(
    ("results", "path"),
    [
        ([], "results"),
        (None, "results"),
        ({}, "results"),
        ("all", "results"),
        ([None], "results[0]"),
        ([[]], "results[0]"),
        ([*reports(0), {}], "results[1].step_index"),
        ([*reports(0), *reports(1, status="SKIPPED")], "results[1].status"),
        ([*reports(0), *reports(1, status="FAILED")], "results[1].error"),
        (
            [*reports(0), *reports(1, completed_at="2026-11-02T08:59:59Z")],
            "results[1].completed_at",
        ),
        ([report_body("token")], "results[0].execution_token"),
        (reports(*range(201)), "results"),
    ],
)
def test_batch__invalid__400_with_the_path(
    users: Users, client_for: ClientFor, results: Any, path: str
) -> None:
    running = running_job(users)
    assert_problem(send(client_for, running, results), 400, "invalid_input", path)
    assert not StepResult.objects.exists()


def test_batch__beside_a_report__400(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    answer = send(client_for, running, reports(0), step_index=0)
    assert_problem(answer, 400, "invalid_input", "step_index")


def test_batch__under_another_token__409(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    answer = send(client_for, running, reports(0), token="x" * 43)
    assert_problem(answer, 409, "stale_execution")


def test_batch__of_whatever_size__asks_the_database_alike(
    users: Users, client_for: ClientFor
) -> None:
    counts = []
    for steps in (1, 3, 60):
        changes = THREE_CHANGES[:1] + [
            THREE_CHANGES[2] | {"parameters": {"number": number}} for number in range(steps - 1)
        ]
        running = running_job(users, proposed_changes=changes)
        with CaptureQueriesContext(connection) as asked:
            answer = send(client_for, running, reports(*range(steps)))
        assert answer.status_code == 201, answer.content
        counts.append(len(asked))
        running.complete()
    # Each batch ends with the job's last step, so none reads a next step's timeout for the lease.
    assert counts[0] == counts[1] == counts[2]


def test_batch__for_a_job_that_was_not_started__409(users: Users, client_for: ClientFor) -> None:
    job = pending_job(users)
    answer = send(client_for, Running(job, "x", users), reports(0))
    assert_problem(answer, 409, "invalid_job_transition")
