"""Role × operation × state: every cell of the table in `tests/support/matrix.py`, asserted."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from rest_framework.test import APIClient

from governance.domain.roles import Role
from governance.domain.tokens import TOKEN_VERBS
from governance.domain.values import ContractStatus, JobStatus
from governance.flows.run_job import cancel_job
from governance.models import Account, GovernanceJob
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.api.test_who_may import all_calls
from tests.support.matrix import (
    ELSEWHERE,
    ID,
    OF_CONTRACTS,
    OF_JOBS,
    OPERATIONS,
    ROLES,
    MatrixFixtures,
    cells,
    fixtures_of_contracts,
    fixtures_of_jobs,
)
from tests.support.users import Users


def test_matrix__holds_every_operation_that_there_is() -> None:
    assert set(OPERATIONS) == all_calls()


def test_matrix__holds_every_status_of_contracts_and_jobs() -> None:
    assert set(OF_CONTRACTS) - {"missing"} == {str(s) for s in ContractStatus} - {"VALIDATED"}
    assert set(OF_JOBS) >= {str(status) for status in JobStatus}


def test_matrix__has_a_cell_for_every_role_at_every_operation() -> None:
    rows = {role: list(cells(role)) for role in ROLES}
    assert len({len(row) for row in rows.values()}) == 1
    assert sum(map(len, rows.values())) > 900


@pytest.mark.parametrize("role", ROLES)
def test_role__at_every_operation_in_every_state__answers_as_the_matrix_says(
    users: Users, client_for: ClientFor, role: str
) -> None:
    fixtures_by_resource = {
        "contracts": fixtures_of_contracts(users),
        "jobs": fixtures_of_jobs(users),
    }
    client = client_of(role, users, client_for)
    wrong, counted = [], 0
    for method, route, state, expected in cells(role):
        fixtures = fixtures_by_resource.get(route.split("/")[0], MatrixFixtures({}, {}))
        with transaction.atomic():
            found = call(client, users, method, route, state, fixtures)
            transaction.set_rollback(True)
        counted += 1
        if found != expected:
            wrong.append(f"{method} {route} {state}: {found}, not {expected}")
    assert wrong == []
    assert counted == len(list(cells(role)))


def client_of(role: str, users: Users, client_for: ClientFor) -> APIClient:
    match role:
        case "nobody":
            return client_for(None)
        case "other_executor":
            return client_for(user_with_roles(role, Role.EXECUTOR))
        case "narrow":
            return client_for(
                user_with_roles(role, *Role), verbs=[v for v in TOKEN_VERBS if "view" in v]
            )
        case str() if role == ELSEWHERE:
            return client_for(user_with_roles(role, *Role), capabilities=["Elsewhere"])
    return client_for(getattr(users, role))


def user_with_roles(name: str, *roles: Role) -> Account:
    person = Account.objects.create_user(name)
    person.groups.set(Group.objects.filter(name__in=roles))
    return person


def call(
    client: APIClient, users: Users, method: str, route: str, state: str, fixtures: MatrixFixtures
) -> tuple[int, str]:
    """Return the response's status and its error code, which is empty for a success."""
    if route == "jobs/claim/" and state != "PENDING":
        for job in GovernanceJob.objects.filter(status=JobStatus.PENDING):
            cancel_job(job_id=job.pk, reason="Enough.", actor=users.operator)
    path = API + route.replace(ID, str(fixtures.ids.get(state, "")))
    body = OPERATIONS[method, route].body(fixtures, state) if method == "post" else None
    answer: Any = getattr(client, method)(path, body)
    if answer.status_code < 400:
        return answer.status_code, ""
    code = answer.json()["code"]
    assert_problem(answer, answer.status_code, code)
    return answer.status_code, code
