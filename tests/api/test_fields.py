"""Fields of responses: all that are declared, or exactly those in `fields=`, also in the SQL."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from rest_framework.renderers import JSONRenderer

from governance.api.serializers.contracts import (
    ContractSerializer,
    ContractSummarySerializer,
    LedgerEntrySerializer,
)
from governance.api.serializers.jobs import JobSerializer, JobSummarySerializer
from governance.domain.values import ContractStatus
from governance.models import GovernanceJob, LedgerEntry, SystemContract
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, queries_of
from tests.support.factories import asked, contract_in, judged_job, pending_job
from tests.support.users import Users

KEY = {"id", "created_at", "updated_at"}


def as_json(data: Any) -> Any:
    return json.loads(JSONRenderer().render(data))


def columns_of(sql: str, table: str) -> set[str]:
    """Return the columns of a table that a query selects."""
    read = sql.partition(" FROM ")[0]
    return set(re.findall(rf'"governance_{table}"\."(\w+)"', read))


# --- complete responses -------------------------------------------------------------------------
@pytest.mark.parametrize("status", [s for s in ContractStatus if s != ContractStatus.VALIDATED])
def test_answers__without_fields__are_what_the_serializers_say(
    users: Users, client_for: ClientFor, status: ContractStatus
) -> None:
    """Check that the selected columns suffice for the serializers' data in every state."""
    contract_in(users, status)
    asked(users)
    viewer = client_for(users.viewer)
    shown = {row["id"]: row for row in viewer.get(f"{API}contracts/").json()["results"]}
    for contract in SystemContract.objects.all():
        assert shown[str(contract.pk)] == as_json(ContractSummarySerializer(contract).data)
        one = viewer.get(f"{API}contracts/{contract.pk}/").json()
        assert one == as_json(ContractSerializer(contract).data)
        assert list(one) == list(ContractSerializer(contract).data)
        entries = LedgerEntry.objects.filter(contract_id=contract.pk).order_by("seq")
        ledger = viewer.get(f"{API}contracts/{contract.pk}/ledger/").json()["results"]
        assert ledger == as_json(LedgerEntrySerializer(entries, many=True).data)
    for job in GovernanceJob.objects.all():
        [listed] = viewer.get(f"{API}jobs/").json()["results"]
        assert listed == as_json(JobSummarySerializer(job).data)
        assert viewer.get(f"{API}jobs/{job.pk}/").json() == as_json(JobSerializer(job).data)


# --- `fields=` ----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ContractSerializer.Meta.fields)
def test_contract__asked_for_one_field__has_that_and_no_other(
    users: Users, client_for: ClientFor, name: str
) -> None:
    job = judged_job(users)
    viewer = client_for(users.viewer)
    address = f"{API}contracts/{job.contract_id}/"
    assert viewer.get(f"{address}?fields={name}").json() == {name: viewer.get(address).json()[name]}


def test_list__asked_for_few_fields__reads_only_these_and_its_key(
    users: Users, client_for: ClientFor
) -> None:
    pending_job(users)
    viewer = client_for(users.viewer)
    address = "contracts/?fields=status,reference"
    [row] = viewer.get(API + address).json()["results"]
    assert list(row) == ["reference", "status"]  # the serializer's order, not the parameter's
    *_, sql = queries_of(viewer, address)
    assert columns_of(sql, "systemcontract") == {"reference", "status", *KEY}
    assert "JOIN" not in sql
    *_, sql = queries_of(viewer, "jobs/?fields=contract_id")
    assert columns_of(sql, "governancejob") == {"contract_id", *KEY}


def test_single_thing__asked_for_few_fields__reads_only_these(
    users: Users, client_for: ClientFor
) -> None:
    job = judged_job(users)
    viewer = client_for(users.viewer)
    *_, sql = queries_of(viewer, f"contracts/{job.contract_id}/?fields=status,title")
    assert columns_of(sql, "systemcontract") == {"status", "title", "id"}
    *_, sql = queries_of(viewer, f"jobs/{job.pk}/?fields=status")
    assert columns_of(sql, "governancejob") == {"status", "id"}
    assert "JOIN" not in sql
    *_, sql = queries_of(viewer, f"contracts/{job.contract_id}/ledger/?fields=event,seq")
    assert columns_of(sql, "ledgerentry") == {"event", "seq", "id"}


@pytest.mark.parametrize(
    "query",
    [
        "fields=nothing",
        "fields=id,",
        "fields=id,%20status",
        "fields=id;status",
        "fields=ID",
        "fields=id,pk",
        "fields=execution_token_sha256",
        "fields=contract__status",
        "fields=proposed_by.password",
        "fields=__dict__",
        "fields=id%0A",
        "expand=everything",
        "expand=job,",
        "expand=audit",
        "expand=job.contract",
        "fields=id&fields=status",
        "fields=",
        "expand=",
    ],
)
def test_field_names__unknown__400_with_the_known_ones(
    users: Users, client_for: ClientFor, query: str
) -> None:
    job = judged_job(users)
    viewer = client_for(users.viewer)
    parameter = query.partition("=")[0]
    for address in ("contracts/", f"contracts/{job.contract_id}/", "jobs/", f"jobs/{job.pk}/"):
        if query == "expand=job," and address.startswith("jobs"):
            continue
        problem = assert_problem(
            viewer.get(f"{API}{address}?{query}"), 400, "invalid_parameter", parameter
        )
        if query == "fields=nothing":
            assert "status" in problem["errors"][0]["message"]


@pytest.mark.parametrize("parameter", ["fields=status", "expand=job"])
def test_answers__that_have_no_parts_to_choose__take_no_such_parameter(
    users: Users, client_for: ClientFor, parameter: str
) -> None:
    job = judged_job(users)
    viewer = client_for(users.viewer)
    for address in ("steps/", "progress/", "evidence/"):
        answer = viewer.get(f"{API}jobs/{job.pk}/{address}?{parameter}")
        assert_problem(answer, 400, "invalid_parameter", parameter.partition("=")[0])
