"""Tests that the baseline is fair: it writes the same rows as govsite, of the same size."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from django.db import connections

from governance.models import GovernanceJob
from tests.benchmarks import implementations
from tests.benchmarks.database import owner_session
from tests.benchmarks.inputs import Item
from tests.benchmarks.mirror_tables import (
    MIRROR_TABLES,
    copy_to_mirror_tables,
    create_mirror_tables,
    rows_written,
)
from tests.benchmarks.names import RECORD
from tests.benchmarks.record import LATE, MEASURES, Measure
from tests.support.factories import approved, pending_job, reloaded, running_job
from tests.support.users import Users

_SCHEMAS = ("public", "bare")
Begin = Callable[[Users, dict[str, Any]], Item]


def begin_approved(users: Users, changes: dict[str, Any]) -> Item:
    return Item(approved(users, **changes).pk, None)


def begin_pending(users: Users, changes: dict[str, Any]) -> Item:
    job = pending_job(users, **changes)
    return Item(job.contract_id, job.pk)


def begin_started(users: Users, changes: dict[str, Any]) -> Item:
    running = running_job(users, **changes)
    return Item(running.job.contract_id, running.job.pk, running.token)


def begin_reported(users: Users, changes: dict[str, Any]) -> Item:
    running = running_job(users, **changes)
    running.complete_steps()
    return Item(running.job.contract_id, running.job.pk, running.token)


BEGINNINGS: dict[str, Begin] = {
    "approved": begin_approved,
    "pending": begin_pending,
    "started": begin_started,
    "reported": begin_reported,
}


@pytest.fixture
def session(committed: Users) -> Iterator[psycopg.Connection[Any]]:
    """A session of the owner on the test's database, with the environment set for the limit."""
    params = connections["owner"].get_connection_params()
    keywords = ("host", "port", "user", "dbname")
    address = " ".join(f"{name}={params[name]}" for name in keywords if params.get(name))
    with (
        patch.dict(os.environ, {"GOVSITE_OWNER_DATABASE_URL": address}),
        owner_session() as session,
    ):
        yield session


@pytest.mark.parametrize("name", MEASURES)
def test_limit__given_the_same_call__writes_the_same_rows(
    committed: Users, session: psycopg.Connection[Any], name: str
) -> None:
    measure = MEASURES[name]
    item = BEGINNINGS[measure.begins](committed, _changes(measure))
    with connections["owner"].cursor() as cursor:
        create_mirror_tables(cursor)
        copy_to_mirror_tables(cursor, [item.contract])
        before = rows_written(cursor, [item.contract])
        assert before["public"] == before["bare"]
        argument = (item, 0) if measure.reports else item
        implementations.ours()[measure.ours](argument)
        implementations.limit()[measure.limit](argument)
        after = rows_written(cursor, [item.contract])
    assert after["public"] == after["bare"]
    assert after["public"] != before["public"]
    _require_as_large(session)


def test_limit__of_another_state__refuses(
    committed: Users, session: psycopg.Connection[Any]
) -> None:
    item = begin_pending(committed, {})
    with connections["owner"].cursor() as cursor:
        create_mirror_tables(cursor)
        copy_to_mirror_tables(cursor, [item.contract])
    by_hand = implementations.limit()
    for name, argument in (("activate", item), ("record", (item, 0)), ("complete", item)):
        with pytest.raises(psycopg.errors.RaiseException):
            by_hand[name](argument)
    job = reloaded(GovernanceJob.objects.get(pk=item.job))
    assert job.status == "PENDING"


def test_measures__as_the_command_names_them__are_all_there() -> None:
    assert set(RECORD) == {*MEASURES, LATE}


def _changes(measure: Measure) -> dict[str, Any]:
    return {
        "proposed_changes": [
            {"type": "parameter_change", "scope": "Search", "parameters": {"n": index}}
            for index in range(measure.steps)
        ]
    }


def _require_as_large(session: psycopg.Connection[Any]) -> None:
    """Compare both sides: the filled columns, the bytes of each entry, the evidence within 10 %."""

    def both(sql: str) -> list[Any]:
        return [session.execute(sql.format(schema=schema)).fetchall() for schema in _SCHEMAS]

    for table in MIRROR_TABLES:
        ours, by_hand = both(
            f"SELECT key, count(*) FROM {{schema}}.{table} AS t, jsonb_each(to_jsonb(t))"
            " WHERE value <> 'null' GROUP BY key ORDER BY key"
        )
        assert ours == by_hand, table
    ours, by_hand = both(
        "SELECT seq, event, octet_length(body) FROM {schema}.governance_ledgerentry ORDER BY seq"
    )
    assert ours == by_hand
    [[ours]], [[by_hand]] = both(
        "SELECT coalesce(sum(octet_length(body)), 0)::int FROM {schema}.governance_auditevidence"
    )
    assert ours == pytest.approx(by_hand, rel=0.1)
