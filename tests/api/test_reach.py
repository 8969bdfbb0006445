"""A token bound to capabilities: what affects anything else does not exist for it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from governance.models import GovernanceJob, SystemContract
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.api.test_who_may import ID, MAY
from tests.support.attacks import nothing_written
from tests.support.cast import Cast
from tests.support.stories import approved, finished_job, pending_job, running_job

# What a token for Search and Stock reaches, and what it does not.
INSIDE = (["Search"], ["Stock", "Search"])
OUTSIDE = (["Search", "Checkout"], ["Search", "SYSTEM"], ["Search", "Stock", "Checkout"])
REACH = ["Search", "Stock"]

ON_ONE_THING = sorted((method, route) for method, route in MAY if ID in route)


@pytest.fixture
def bound(cast: Cast, client_for: ClientFor) -> APIClient:
    """May do everything, for contracts about nothing but Search and Stock."""
    cast.outsider.is_superuser = True
    cast.outsider.save()
    return client_for(cast.outsider, capabilities=REACH)


def called(client: APIClient, method: str, route: str, pk: Any, **options: Any) -> Any:
    return getattr(client, method)(API + route.replace(ID, str(pk)), **options)


def told(answer: Any, pk: Any) -> tuple[Any, ...]:
    """Everything that an answer tells, but for the id that was asked for."""
    headers = {name: value for name, value in answer.items() if name != "Content-Length"}
    return answer.status_code, headers, answer.content.replace(str(pk).encode(), b"ID")


@pytest.mark.parametrize(("method", "route"), ON_ONE_THING)
@pytest.mark.parametrize("affected", OUTSIDE, ids="+".join)
def test_thing_out_of_reach__answers_exactly_like_one_that_is_not_there(
    cast: Cast, bound: APIClient, method: str, route: str, affected: list[str]
) -> None:
    job = finished_job(cast, affected_capabilities=affected)
    thing = job if route.startswith("jobs/") else job.contract
    nothing = uuid4()
    noun = "job" if route.startswith("jobs/") else "contract"
    for options in ({}, {"QUERY_STRING": "no=such"}, {"data": "{", "content_type": "x/y"}):
        if method == "get" and "data" in options:
            continue
        with nothing_written():
            answer = called(bound, method, route, thing.pk, **options)
        assert_problem(answer, 404, f"{noun}_not_found")
        missing = called(bound, method, route, nothing, **options)
        assert told(answer, thing.pk) == told(missing, nothing)


@pytest.mark.parametrize(("method", "route"), ON_ONE_THING)
def test_thing_out_of_reach__reads_like_one_that_is_missing_for_everybody(
    cast: Cast, bound: APIClient, client_for: ClientFor, method: str, route: str
) -> None:
    """A body that fits, so that an unbound token hears of the missing id as well."""
    job = finished_job(cast, affected_capabilities=["Search", "Checkout"])
    thing = job if route.startswith("jobs/") else job.contract
    body = {
        "results": {
            "execution_token": "x",
            "step_index": 0,
            "status": "COMPLETED",
            "started_at": "2026-11-02T09:00:00Z",
            "completed_at": "2026-11-02T09:00:00Z",
        },
        "complete": {"execution_token": "x"},
        "cancel": {"reason": "Enough."},
        "verdict": {"verdict": "FAIL", "reason": "No.", "evidence_sha256": "0" * 64},
    }.get(route.strip("/").rpartition("/")[2])
    options = {"data": body} if body else {}
    nothing = uuid4()
    free = called(client_for(cast.outsider), method, route, nothing, **options)
    hidden = called(bound, method, route, thing.pk, **options)
    assert told(hidden, thing.pk) == told(free, nothing)


@pytest.mark.parametrize("affected", INSIDE, ids="+".join)
def test_thing_within_reach__is_read_and_moved(
    cast: Cast, bound: APIClient, affected: list[str]
) -> None:
    done = finished_job(cast, affected_capabilities=affected)
    for method, route in ON_ONE_THING:
        if method == "get":
            thing = done if route.startswith("jobs/") else done.contract
            # Only where a test opens places for streams are there any.
            expected = 503 if route.endswith("/events/") else 200
            assert called(bound, method, route, thing.pk).status_code == expected, route
    contract = approved(cast, affected_capabilities=affected)
    made = bound.post(f"{API}contracts/{contract.pk}/activate/")
    assert made.status_code == 201
    assert bound.post(f"{API}jobs/{made.json()['job']['id']}/start/").status_code == 200


def test_lists__hold_what_is_within_reach_and_nothing_else(cast: Cast, bound: APIClient) -> None:
    inside = {finished_job(cast, affected_capabilities=names) for names in INSIDE}
    for names in OUTSIDE:
        finished_job(cast, affected_capabilities=names)
    for path, wanted in (
        ("jobs/", {job.pk for job in inside}),
        ("contracts/", {job.contract_id for job in inside}),
        ("contracts/?capability=Checkout", set()),
        ("contracts/?capability=Stock&page_size=1", None),
    ):
        page = bound.get(API + path).json()
        found = {row["id"] for row in page["results"]}
        if wanted is None:
            assert (len(found), page["next"]) == (1, None)
        else:
            assert found == {str(pk) for pk in wanted}
    hidden = GovernanceJob.objects.exclude(pk__in=[job.pk for job in inside]).first()
    assert hidden is not None
    assert bound.get(f"{API}jobs/?contract={hidden.contract_id}").json()["results"] == []


def test_claim__takes_the_oldest_within_reach(cast: Cast, bound: APIClient) -> None:
    for names in OUTSIDE:
        pending_job(cast, affected_capabilities=names)
    oldest, _ = (pending_job(cast, affected_capabilities=names) for names in INSIDE)
    assert bound.post(f"{API}jobs/claim/").json()["id"] == str(oldest.pk)
    assert bound.post(f"{API}jobs/claim/").status_code == 200
    with nothing_written():
        assert bound.post(f"{API}jobs/claim/").status_code == 204


def test_system__is_reached_only_by_its_name(cast: Cast, client_for: ClientFor) -> None:
    job = running_job(cast, affected_capabilities=["Search", "SYSTEM"]).job
    client = client_for(cast.viewer, capabilities=["SYSTEM", "Search"])
    assert client.get(f"{API}jobs/{job.pk}/").status_code == 200


def test_missing_permission__is_told_before_anything_of_the_thing(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.viewer, capabilities=REACH)
    for names in (INSIDE[0], OUTSIDE[0]):
        job = pending_job(cast, affected_capabilities=names)
        answer = client.post(f"{API}jobs/{job.pk}/start/")
        assert_problem(answer, 403, "permission_denied")


def test_reach__costs_one_query_on_one_thing_and_none_without_a_bound(
    cast: Cast, client_for: ClientFor
) -> None:
    job = finished_job(cast)
    counts = {}
    for reach in (None, REACH):
        client = client_for(cast.viewer, capabilities=reach)
        for path in (f"jobs/{job.pk}/", "jobs/", "contracts/"):
            with CaptureQueriesContext(connection) as asked:
                assert client.get(API + path).status_code == 200
            counts[path, reach is None] = len(asked)
    assert counts[f"jobs/{job.pk}/", False] == counts[f"jobs/{job.pk}/", True] + 1
    for path in ("jobs/", "contracts/"):
        assert counts[path, False] == counts[path, True]


def test_reach__among_many_contracts__is_found_by_the_index(cast: Cast) -> None:
    from governance.models.contract import within_reach

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = SystemContract.objects.filter(within_reach(REACH)).order_by().explain()
    assert "contract_capabilities" in plan
