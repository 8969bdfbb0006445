"""Tokens bound to capabilities: a contract outside the token's scope is a 404."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from governance.domain.roles import Role
from governance.flows.run_job import cancel_job
from governance.models import GovernanceJob, SystemContract
from governance.services.access.accounts import assign_role
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.api.test_who_may import ID, MAY
from tests.support.attacks import nothing_written
from tests.support.factories import approved, finished_job, pending_job, running_job
from tests.support.users import Users

# Affected capabilities inside and outside the scope of a token for Search and Stock.
INSIDE = (["Search"], ["Stock", "Search"])
OUTSIDE = (["Search", "Checkout"], ["Search", "SYSTEM"], ["Search", "Stock", "Checkout"])
SCOPE = ["Search", "Stock"]

ON_ONE_THING = sorted((method, route) for method, route in MAY if ID in route)


@pytest.fixture
def scoped_client(users: Users, client_for: ClientFor) -> APIClient:
    """Return the client of an auditor and superuser whose token is bound to Search and Stock."""
    users.outsider.is_superuser = True
    users.outsider.save()
    assign_role(users.outsider, Role.AUDITOR)
    return client_for(users.outsider, capabilities=SCOPE)


def call(client: APIClient, method: str, route: str, pk: Any, **options: Any) -> Any:
    return getattr(client, method)(API + route.replace(ID, str(pk)), **options)


def without_id(answer: Any, pk: Any) -> tuple[Any, ...]:
    """Return status, headers and content of a response, with the requested id masked."""
    headers = {name: value for name, value in answer.items() if name != "Content-Length"}
    return answer.status_code, headers, answer.content.replace(str(pk).encode(), b"ID")


@pytest.mark.parametrize(("method", "route"), ON_ONE_THING)
@pytest.mark.parametrize("affected", OUTSIDE, ids="+".join)
def test_resource_outside_the_scope__answers_exactly_like_one_that_is_not_there(
    users: Users, scoped_client: APIClient, method: str, route: str, affected: list[str]
) -> None:
    job = finished_job(users, affected_capabilities=affected)
    thing = job if route.startswith("jobs/") else job.contract
    nothing = uuid4()
    noun = "job" if route.startswith("jobs/") else "contract"
    for options in ({}, {"QUERY_STRING": "no=such"}, {"data": "{", "content_type": "x/y"}):
        if method == "get" and "data" in options:
            continue
        with nothing_written():
            answer = call(scoped_client, method, route, thing.pk, **options)
        assert_problem(answer, 404, f"{noun}_not_found")
        missing = call(scoped_client, method, route, nothing, **options)
        assert without_id(answer, thing.pk) == without_id(missing, nothing)


@pytest.mark.parametrize(("method", "route"), ON_ONE_THING)
def test_resource_outside_the_scope__reads_like_one_that_is_missing_for_all(
    users: Users, scoped_client: APIClient, client_for: ClientFor, method: str, route: str
) -> None:
    """Send a valid body, so that an unbound token gets the 404 of a missing id as well."""
    job = finished_job(users, affected_capabilities=["Search", "Checkout"])
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
    free = call(client_for(users.outsider), method, route, nothing, **options)
    hidden = call(scoped_client, method, route, thing.pk, **options)
    assert without_id(hidden, thing.pk) == without_id(free, nothing)


@pytest.mark.parametrize("affected", INSIDE, ids="+".join)
def test_resource_within_the_scope__is_read_and_changed(
    users: Users, scoped_client: APIClient, affected: list[str]
) -> None:
    done = finished_job(users, affected_capabilities=affected)
    for method, route in ON_ONE_THING:
        if method == "get":
            thing = done if route.startswith("jobs/") else done.contract
            # The capacity for streams is 0 unless a test sets it.
            expected = 503 if route.endswith("/events/") else 200
            assert call(scoped_client, method, route, thing.pk).status_code == expected, route
    contract = approved(users, affected_capabilities=affected)
    made = scoped_client.post(f"{API}contracts/{contract.pk}/activate/")
    assert made.status_code == 201
    assert scoped_client.post(f"{API}jobs/{made.json()['job']['id']}/start/").status_code == 200


def test_lists__hold_what_is_within_the_scope_and_nothing_else(
    users: Users, scoped_client: APIClient
) -> None:
    inside = {finished_job(users, affected_capabilities=names) for names in INSIDE}
    for names in OUTSIDE:
        finished_job(users, affected_capabilities=names)
    for path, wanted in (
        ("jobs/", {job.pk for job in inside}),
        ("contracts/", {job.contract_id for job in inside}),
        ("contracts/?capability=Checkout", set()),
        ("contracts/?capability=Stock&page_size=1", None),
    ):
        page = scoped_client.get(API + path).json()
        found = {row["id"] for row in page["results"]}
        if wanted is None:
            assert (len(found), page["next"]) == (1, None)
        else:
            assert found == {str(pk) for pk in wanted}
    hidden = GovernanceJob.objects.exclude(pk__in=[job.pk for job in inside]).first()
    assert hidden is not None
    assert scoped_client.get(f"{API}jobs/?contract={hidden.contract_id}").json()["results"] == []


def test_claim__takes_the_oldest_within_the_scope(users: Users, scoped_client: APIClient) -> None:
    for names in OUTSIDE:
        pending_job(users, affected_capabilities=names)
    oldest, newer = (pending_job(users, affected_capabilities=names) for names in INSIDE)
    assert scoped_client.post(f"{API}jobs/claim/").json()["id"] == str(oldest.pk)
    cancel_job(job_id=oldest.pk, reason="Both affect Search.", actor=users.operator)
    assert scoped_client.post(f"{API}jobs/claim/").json()["id"] == str(newer.pk)
    with nothing_written():
        assert scoped_client.post(f"{API}jobs/claim/").status_code == 204


def test_system__is_in_scope_only_by_its_name(users: Users, client_for: ClientFor) -> None:
    job = running_job(users, affected_capabilities=["Search", "SYSTEM"]).job
    client = client_for(users.viewer, capabilities=["SYSTEM", "Search"])
    assert client.get(f"{API}jobs/{job.pk}/").status_code == 200


def test_missing_permission__is_reported_before_the_scope_is_checked(
    users: Users, client_for: ClientFor
) -> None:
    client = client_for(users.viewer, capabilities=SCOPE)
    for names in (INSIDE[0], OUTSIDE[0]):
        job = pending_job(users, affected_capabilities=names)
        answer = client.post(f"{API}jobs/{job.pk}/start/")
        assert_problem(answer, 403, "permission_denied")


def test_scope__costs_one_query_for_one_resource_and_none_without_a_scope(
    users: Users, client_for: ClientFor
) -> None:
    job = finished_job(users)
    counts = {}
    for scope in (None, SCOPE):
        client = client_for(users.viewer, capabilities=scope)
        for path in (f"jobs/{job.pk}/", "jobs/", "contracts/"):
            with CaptureQueriesContext(connection) as asked:
                assert client.get(API + path).status_code == 200
            counts[path, scope is None] = len(asked)
    assert counts[f"jobs/{job.pk}/", False] == counts[f"jobs/{job.pk}/", True] + 1
    for path in ("jobs/", "contracts/"):
        assert counts[path, False] == counts[path, True]


def test_scope__among_many_contracts__is_found_by_the_index(users: Users) -> None:
    from governance.models.contract_indexes import within_token_scope

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = SystemContract.objects.filter(within_token_scope(SCOPE)).order_by().explain()
    assert "contract_capabilities" in plan
