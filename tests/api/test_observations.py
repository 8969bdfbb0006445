"""The observations of a job over HTTP: what the scopes held, by phase."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.support.clients import ApiClient
from tests.support.factories import Running, finished_job, running_job
from tests.support.observations import observe, seen
from tests.support.tokens import new_token
from tests.support.users import Users

LIMITED = {"lifecycle": "PREVIEW", "configuration": {"page_size": 50}}


def observed_job(users: Users) -> Running:
    """Return a running job with two observations before its first step, and one after it."""
    running = running_job(users)
    observe(running, seen(), seen("SYSTEM", None, trouble="It did not answer."))
    running.record(running.report(0))
    observe(running, seen(state=LIMITED), phase="STEP", step_index=0)
    return running


def pages_of(client: ApiClient, address: str) -> list[list[dict[str, Any]]]:
    pages = []
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.content
        pages.append(answer.json()["results"])
        address = answer.json()["next"]
    return pages


def test_observations__of_a_running_job__are_listed_by_phase_in_order(
    users: Users, client_for: ClientFor
) -> None:
    running = observed_job(users)
    address = f"{API}jobs/{running.job.pk}/observations/"
    [found] = pages_of(client_for(users.viewer), address)
    assert [(one["phase"], one["step_index"], one["scope"]) for one in found] == [
        ("BEFORE", None, "Search"),
        ("BEFORE", None, "SYSTEM"),
        ("STEP", 0, "Search"),
    ]
    before, unseen, after_step = found
    assert before["state"] == {"lifecycle": "LAUNCHED", "configuration": {}}
    assert before["trouble"] == ""
    assert (unseen["state"], unseen["trouble"]) == (None, "It did not answer.")
    assert (after_step["state"], after_step["observer"]) == (LIMITED, "http")
    assert after_step["observed_at"].endswith("Z")


def test_observations__in_pages_of_one__are_the_same(users: Users, client_for: ClientFor) -> None:
    running, viewer = observed_job(users), client_for(users.viewer)
    address = f"{API}jobs/{running.job.pk}/observations/"
    [whole] = pages_of(viewer, address)
    assert pages_of(viewer, f"{address}?page_size=1") == [[one] for one in whole]


def test_observations__of_a_job_that_nobody_observed__are_an_empty_list(
    users: Users, client_for: ClientFor
) -> None:
    job = finished_job(users)
    answer = client_for(users.viewer).get(f"{API}jobs/{job.pk}/observations/")
    assert (answer.status_code, answer.json()) == (200, {"next": None, "results": []})


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJhIl0", "Wy0xXQ", "W3RydWVd"])
def test_observations__with_a_cursor_that_no_page_gave_out__400(
    users: Users, client_for: ClientFor, cursor: str
) -> None:
    job = finished_job(users)
    answer = client_for(users.viewer).get(f"{API}jobs/{job.pk}/observations/?cursor={cursor}")
    assert_problem(answer, 400, "invalid_input", "cursor")


def test_observations__of_a_job_outside_the_token_scope__404(users: Users) -> None:
    job = observed_job(users).job
    answers = []
    for capability in ("Search", "Stock"):
        token = new_token(users.viewer, capabilities=[capability])
        client = ApiClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        answers.append(client.get(f"{API}jobs/{job.pk}/observations/"))
    assert answers[0].status_code == 200
    assert_problem(answers[1], 404, "job_not_found")
