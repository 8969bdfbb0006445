"""The baseline is no cheat: by hand or by us, the same rows are written, as large."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from django.db import connections

from governance.models import GovernanceJob
from tests.benchmarks import sides
from tests.benchmarks.database import owner_session
from tests.benchmarks.names import RECORD
from tests.benchmarks.record import LATE, MEASURES, Measure
from tests.benchmarks.supply import Item
from tests.benchmarks.twins import TWINS, copy_to_twins, make_twins, rows_written
from tests.support.cast import Cast
from tests.support.stories import again, approved, pending_job, running_job

_SCHEMAS = ("public", "bare")
Begin = Callable[[Cast, dict[str, Any]], Item]


def begin_approved(cast: Cast, changes: dict[str, Any]) -> Item:
    return Item(approved(cast, **changes).pk, None)


def begin_pending(cast: Cast, changes: dict[str, Any]) -> Item:
    job = pending_job(cast, **changes)
    return Item(job.contract_id, job.pk)


def begin_started(cast: Cast, changes: dict[str, Any]) -> Item:
    running = running_job(cast, **changes)
    return Item(running.job.contract_id, running.job.pk, running.token)


def begin_reported(cast: Cast, changes: dict[str, Any]) -> Item:
    running = running_job(cast, **changes)
    running.complete_steps()
    return Item(running.job.contract_id, running.job.pk, running.token)


BEGINNINGS: dict[str, Begin] = {
    "approved": begin_approved,
    "pending": begin_pending,
    "started": begin_started,
    "reported": begin_reported,
}


@pytest.fixture
def session(committed: Cast) -> Iterator[psycopg.Connection[Any]]:
    """The hand's own session on the test's database, as the owner."""
    params = connections["owner"].get_connection_params()
    keywords = ("host", "port", "user", "dbname")
    address = " ".join(f"{name}={params[name]}" for name in keywords if params.get(name))
    with (
        patch.dict(os.environ, {"DATABASE_OWNER_URL": address}),
        owner_session() as session,
    ):
        yield session


@pytest.mark.parametrize("name", MEASURES)
def test_limit__told_the_same_story__writes_the_same_rows(
    committed: Cast, session: psycopg.Connection[Any], name: str
) -> None:
    measure = MEASURES[name]
    item = BEGINNINGS[measure.begins](committed, _changes(measure))
    with connections["owner"].cursor() as cursor:
        make_twins(cursor)
        copy_to_twins(cursor, [item.contract])
        before = rows_written(cursor, [item.contract])
        assert before["public"] == before["bare"]
        said = (item, 0) if measure.reports else item
        sides.ours()[measure.ours](said)
        sides.limit()[measure.limit](said)
        after = rows_written(cursor, [item.contract])
    assert after["public"] == after["bare"]
    assert after["public"] != before["public"]
    _require_as_large(session)


def test_limit__of_another_state__refuses(
    committed: Cast, session: psycopg.Connection[Any]
) -> None:
    item = begin_pending(committed, {})
    with connections["owner"].cursor() as cursor:
        make_twins(cursor)
        copy_to_twins(cursor, [item.contract])
    by_hand = sides.limit()
    for name, said in (("activate", item), ("record", (item, 0)), ("complete", item)):
        with pytest.raises(psycopg.errors.RaiseException):
            by_hand[name](said)
    job = again(GovernanceJob.objects.get(pk=item.job))
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
    """The same columns filled, the ledger as long to the byte, what is sealed within a tenth."""

    def both(sql: str) -> list[Any]:
        return [session.execute(sql.format(schema=schema)).fetchall() for schema in _SCHEMAS]

    for table in TWINS:
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
