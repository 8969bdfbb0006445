"""Prepared statements and row mapping give the same rows as Django's ORM."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db.models import Model

from governance.db.row_mapping import RowMapping, array_literal, prepared_rows, unsaved_instance
from governance.models import GovernanceJob, HealthSnapshot, LedgerEntry, StepResult, SystemContract
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
    [(read,)] = prepared_rows("SELECT %s::text[]", [array_literal(texts)])
    assert read == texts


def test_array__of_ids__is_read_as_they_are() -> None:
    ids = [uuid4(), UUID(int=0)]
    assert prepared_rows(
        "SELECT %s::uuid[], %s::integer[]", [array_literal(ids), array_literal([2, -3])]
    ) == [(ids, [2, -3])]


@pytest.mark.parametrize("model", [SystemContract, GovernanceJob, LedgerEntry])
def test_row__of_any_table__is_what_django_reads(users: Users, model: type) -> None:
    running_job(users)
    columns = RowMapping(model, "it")
    rows = prepared_rows(f"SELECT {columns.sql} FROM {model._meta.db_table} it ORDER BY id", [])
    read = [columns.row(row) for row in rows]
    assert rows
    for ours, theirs in zip(read, model.objects.order_by("id"), strict=True):
        mine, django = vars(ours), vars(theirs)
        state, others = mine.pop("_state"), django.pop("_state")
        assert (state.adding, state.db) == (others.adding, others.db)
        assert mine == django


@pytest.mark.parametrize("model", [SystemContract, GovernanceJob])
def test_row_of_json__is_what_django_reads(users: Users, model: type) -> None:
    """Ids are the exception: JSON holds them as texts, and they stay texts."""
    running_job(users)
    columns = RowMapping(model, "it")
    [(row,)] = prepared_rows(f"SELECT to_json(it) FROM {model._meta.db_table} it", [])
    read, [django] = columns.row_from_json(row), model.objects.all()
    assert [str(getattr(read, field.attname)) for field in model._meta.concrete_fields] == [
        str(getattr(django, field.attname)) for field in model._meta.concrete_fields
    ]


@pytest.mark.parametrize("model", [SystemContract, GovernanceJob, StepResult, HealthSnapshot])
def test_unsaved__of_any_table__is_what_django_makes(model: type[Model]) -> None:
    pk = uuid4()
    columns = {"id": pk} | ({"status": "RUNNING"} if hasattr(model, "status") else {})
    ours, theirs = vars(unsaved_instance(model, **columns)), vars(model(**columns))
    assert vars(ours.pop("_state")) == vars(theirs.pop("_state"))
    assert ours == theirs


def test_unsaved__twice__is_two_rows() -> None:
    assert unsaved_instance(GovernanceJob).pk != unsaved_instance(GovernanceJob).pk
