"""Instances that are made from handwritten SQL equal those of Django's ORM."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from governance.db.rows import Columns, array_literal, fetch_rows, instance_from_json
from governance.domain.canonical import load_json
from governance.models import GovernanceJob, JobStep, LedgerEntry, StepResult, SystemContract
from tests.support.factories import running_job
from tests.support.users import Users

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        ["NULL", "null"],
        ['a "word"', "back\\slash", "{a,b}", "x,y", " ", "tab\there", "Ω"],
    ],
)
def test_array__of_texts__is_read_as_they_are(texts: list[str]) -> None:
    [(read,)] = fetch_rows("SELECT %s::text[]", [array_literal(texts)])
    assert read == texts


def test_array__of_ids__is_read_as_they_are() -> None:
    ids = [uuid4(), UUID(int=0)]
    assert fetch_rows(
        "SELECT %s::uuid[], %s::integer[]", [array_literal(ids), array_literal([2, -3])]
    ) == [(ids, [2, -3])]


@pytest.mark.parametrize("model", [SystemContract, GovernanceJob, LedgerEntry])
def test_row__of_any_table__is_what_django_reads(users: Users, model: Any) -> None:
    running_job(users)
    columns = Columns(model, "it")
    rows = fetch_rows(f"SELECT {columns.sql} FROM {model._meta.db_table} it ORDER BY id")
    assert rows
    assert [_values(columns.instance(row)) for row in rows] == [
        _values(one) for one in model.objects.order_by("id")
    ]


def test_row__without_some_columns__reads_them_on_first_use(users: Users) -> None:
    job = running_job(users).job
    columns = Columns(SystemContract, "it", omit=["title"])
    [row] = fetch_rows(f"SELECT {columns.sql} FROM governance_systemcontract it")
    contract = columns.instance(row)
    assert contract.get_deferred_fields() == {"title"}
    assert contract.title == SystemContract.objects.get(pk=job.contract_id).title


@pytest.mark.parametrize("model", [JobStep, StepResult, GovernanceJob])
def test_row__written_by_to_json__is_what_django_reads(users: Users, model: Any) -> None:
    running_job(users).complete_steps(2)
    rows = fetch_rows(f"SELECT to_json(it)::text FROM {model._meta.db_table} it ORDER BY id")
    assert [_values(instance_from_json(model, load_json(text))) for (text,) in rows] == [
        _values(one) for one in model.objects.order_by("id")
    ]


def _values(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
