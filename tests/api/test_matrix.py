"""Role × operation × state: every cell of the table in `tests/support/matrix.py`, asserted."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from rest_framework.test import APIClient

from governance.flows.run_job import cancel_job
from governance.models import Account, GovernanceJob
from governance.vocabulary.roles import Role
from governance.vocabulary.tokens import TOKEN_VERBS
from governance.vocabulary.values import ContractStatus, JobStatus
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.api.test_who_may import all_calls
from tests.support.cast import Cast
from tests.support.matrix import (
    ELSEWHERE,
    ID,
    OF_CONTRACTS,
    OF_JOBS,
    OPERATIONS,
    ROLES,
    Scene,
    cells,
    scene_of_contracts,
    scene_of_jobs,
)
from tests.support.stories import now


def test_table__holds_every_operation_that_there_is() -> None:
    assert set(OPERATIONS) == all_calls()


def test_table__holds_every_state_that_a_thing_can_be_in() -> None:
    assert set(OF_CONTRACTS) - {"missing"} == {str(s) for s in ContractStatus} - {"VALIDATED"}
    assert set(OF_JOBS) >= {str(status) for status in JobStatus}


def test_table__has_a_cell_for_everybody_at_everything() -> None:
    rows = {role: list(cells(role)) for role in ROLES}
    assert len({len(row) for row in rows.values()}) == 1
    assert sum(map(len, rows.values())) > 900


@pytest.mark.parametrize("role", ROLES)
def test_role__at_every_operation_in_every_state__hears_what_the_table_says(
    cast: Cast, client_for: ClientFor, role: str
) -> None:
    scenes = {"contracts": scene_of_contracts(cast), "jobs": scene_of_jobs(cast)}
    client = client_of(role, cast, client_for)
    wrong, counted = [], 0
    for method, route, state, expected in cells(role):
        scene = scenes.get(route.split("/")[0], Scene({}, {}))
        with transaction.atomic():
            found = call(client, cast, method, route, state, scene)
            transaction.set_rollback(True)
        counted += 1
        if found != expected:
            wrong.append(f"{method} {route} {state}: {found}, not {expected}")
    assert wrong == []
    assert counted == len(list(cells(role)))


def client_of(role: str, cast: Cast, client_for: ClientFor) -> APIClient:
    match role:
        case "nobody":
            return client_for(None)
        case "other_executor":
            return client_for(hired(role, Role.EXECUTOR))
        case "narrow":
            return client_for(hired(role, *Role), verbs=[v for v in TOKEN_VERBS if "view" in v])
        case str() if role == ELSEWHERE:
            return client_for(hired(role, *Role), capabilities=["Elsewhere"])
    return client_for(getattr(cast, role))


def hired(name: str, *roles: Role) -> Account:
    person = Account.objects.create_user(name)
    person.groups.set(Group.objects.filter(name__in=roles))
    return person


def call(
    client: APIClient, cast: Cast, method: str, route: str, state: str, scene: Scene
) -> tuple[int, str]:
    """The answer's status and, of a refusal, its code."""
    if route == "jobs/claim/" and state != "PENDING":
        for job in GovernanceJob.objects.filter(status=JobStatus.PENDING):
            cancel_job(job_id=job.pk, reason="Enough.", actor=cast.operator, at=now())
    path = API + route.replace(ID, str(scene.ids.get(state, "")))
    body = OPERATIONS[method, route].body(scene, state) if method == "post" else None
    answer: Any = getattr(client, method)(path, body)
    if answer.status_code < 400:
        return answer.status_code, ""
    code = answer.json()["code"]
    assert_problem(answer, answer.status_code, code)
    return answer.status_code, code
