"""`expand=`: the embedded resource equals the resource at its own URL, without N+1 queries."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from governance.domain.values import AuditVerdict
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, queries_of
from tests.support.factories import THREE_CHANGES, eligible, judged_job, pending_job, running_job
from tests.support.users import Users


def test_contract__expanded__has_its_job_and_steps_as_at_their_addresses(
    users: Users, client_for: ClientFor
) -> None:
    job = judged_job(users, AuditVerdict.INCONCLUSIVE)
    viewer = client_for(users.viewer)
    address = f"{API}contracts/{job.contract_id}/"
    whole = viewer.get(address).json()
    expanded = viewer.get(f"{address}?expand=steps,job").json()
    assert expanded == whole | {
        "job": viewer.get(f"{API}jobs/{job.pk}/").json(),
        "steps": viewer.get(f"{API}jobs/{job.pk}/steps/").json(),
    }
    assert expanded["job"]["id"] == expanded["job_id"]


def test_job__expanded__has_its_contract_as_in_lists_and_its_steps(
    users: Users, client_for: ClientFor
) -> None:
    running = running_job(users)
    running.complete_steps(1)
    viewer = client_for(users.viewer)
    address = f"{API}jobs/{running.job.pk}/"
    [listed] = viewer.get(f"{API}contracts/").json()["results"]
    assert viewer.get(f"{address}?expand=contract,steps").json() == (
        viewer.get(address).json()
        | {"contract": listed, "steps": viewer.get(f"{address}steps/").json()}
    )
    [row] = viewer.get(f"{API}jobs/?expand=contract").json()["results"]
    assert row["contract"] == listed


def test_contract__expanded_before_there_is_a_job__shows_null(
    users: Users, client_for: ClientFor
) -> None:
    contract = eligible(users)
    viewer = client_for(users.viewer)
    one = viewer.get(f"{API}contracts/{contract.pk}/?expand=job,steps&fields=job_id").json()
    assert one == {"job_id": None, "job": None, "steps": None}
    [row] = viewer.get(f"{API}contracts/?expand=job").json()["results"]
    assert row["job"] is None


def test_steps__expanded_of_a_long_plan__are_one_page_that_says_where_the_rest_is(
    users: Users, client_for: ClientFor
) -> None:
    job = pending_job(users, proposed_changes=THREE_CHANGES * 67)
    viewer = client_for(users.viewer)
    steps = viewer.get(f"{API}jobs/{job.pk}/?expand=steps").json()["steps"]
    assert len(steps["results"]) == 200
    assert [s["step_index"] for s in viewer.get(steps["next"]).json()["results"]] == [200]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("expand=job&fields=id", ["id", "job"]),
        ("expand=job&fields=job,id", ["id", "job"]),
        ("expand=job&fields=job", ["job"]),
    ],
)
def test_fields_and_expand__together__are_all_that_was_asked_for(
    users: Users, client_for: ClientFor, query: str, names: list[str]
) -> None:
    job = pending_job(users)
    viewer = client_for(users.viewer)
    for row in (
        viewer.get(f"{API}contracts/?{query}").json()["results"][0],
        viewer.get(f"{API}contracts/{job.contract_id}/?{query}").json(),
    ):
        assert list(row) == names
        assert row["job"]["id"] == str(job.pk)


def test_fields__that_name_what_is_not_expanded__400(users: Users, client_for: ClientFor) -> None:
    answer = client_for(users.viewer).get(f"{API}contracts/?fields=id,job")
    assert "expand=job" in assert_problem(answer, 400, "invalid_parameter", "fields")["detail"]


def test_queries__of_what_is_expanded__do_not_grow_with_the_page(
    users: Users, client_for: ClientFor
) -> None:
    viewer = client_for(users.viewer)
    job = judged_job(users)
    lists = ["contracts/?expand=job", "jobs/?expand=contract"]
    single = f"contracts/{job.contract_id}/?expand=job,steps"
    few = [len(queries_of(viewer, address)) for address in lists]
    for _ in range(6):
        judged_job(users)
    assert [len(queries_of(viewer, address)) for address in lists] == few == [2, 2]
    long = judged_job(users, proposed_changes=THREE_CHANGES * 8)
    longer = f"contracts/{long.contract_id}/?expand=job,steps"
    assert len(queries_of(viewer, longer)) == len(queries_of(viewer, single))


@pytest.mark.parametrize(
    ("missing", "address"),
    [
        ("view_governancejob", "contracts/?expand=job"),
        ("view_governancejob", "contracts/{contract}/?expand=job"),
        ("view_jobstep", "contracts/{contract}/?expand=steps,job"),
        ("view_jobstep", "jobs/{job}/?expand=steps"),
        ("view_systemcontract", "jobs/?expand=contract"),
        ("view_systemcontract", "jobs/{job}/?expand=contract"),
    ],
)
def test_expand__of_what_one_may_not_read__403(
    users: Users, client_for: ClientFor, missing: str, address: str
) -> None:
    job = judged_job(users)
    users.outsider.user_permissions.set(
        Permission.objects.filter(
            codename__in={"view_systemcontract", "view_governancejob", "view_jobstep"} - {missing}
        )
    )
    asked_for = API + address.format(contract=job.contract_id, job=job.pk)
    assert_problem(client_for(users.outsider).get(asked_for), 403, "permission_denied")
    assert client_for(users.outsider).get(asked_for.partition("?")[0]).status_code == 200


@pytest.mark.parametrize("query", ["expand=job", "expand=job&fields=id", "fields=status,job_id"])
def test_answers__expanded_or_slimmed__fit_the_schema(
    users: Users, client_for: ClientFor, query: str
) -> None:
    judged, waiting = judged_job(users), eligible(users)
    schema = SchemaGenerator().get_schema(public=True)
    viewer = client_for(users.viewer)
    for path, pk in (("", None), ("{id}/", judged.contract_id), ("{id}/", waiting.pk)):
        answer = viewer.get(f"{API}contracts/{path.format(id=pk)}?{query}")
        described = schema["paths"][f"{API}contracts/{path}"]["get"]["responses"]["200"]
        wanted = described["content"]["application/json"]["schema"]
        Draft202012Validator(wanted | {"components": schema["components"]}).validate(answer.json())
