"""The overhead of HTTP in milliseconds at one client, which the part `http` also measures.

The work without HTTP is done in the client's process, on the same database. All are called in
alternation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from governance.models import Account, SystemContract
from tests.benchmarks import implementations
from tests.benchmarks.figures import Figure
from tests.benchmarks.inputs import inputs
from tests.benchmarks.over_http import WARM_UP, calls
from tests.benchmarks.website import Caller, website
from tests.benchmarks.worker_pool import Work, WorkerPool
from tests.support.tokens import new_token

PAGE = "contracts/?page_size=50"
SPENDING = ("activate-keyed", "bare")
WORKS = (*SPENDING, "empty-post-keyed", "page", "empty-get", "sql", "json")


def measure_overhead(
    *, rounds: int, ops: int, advance: Callable[[int], object]
) -> Iterator[Figure]:
    """Measure two overheads.

    The time of an activation minus that of its flow is compared with an empty POST. The time of a
    page is compared with its SQL, its JSON and an empty GET.
    """
    each = max(1, ops // 4)
    left = iter(inputs("approved", len(SPENDING) * (WARM_UP + rounds * each), steps=3))
    token = new_token(Account.objects.get(username="operator"))
    sql = page_sql(token)
    connections.close_all()
    taken: dict[str, list[float]] = {name: [] for name in WORKS}
    with website() as address:
        page = json.loads(Caller(address, token).get(PAGE))
        with WorkerPool(partial(works, address, token, sql, page), 1) as worker_pool:
            for turn in range(-1, rounds):  # the first warms up
                for name in WORKS:
                    many = each if turn >= 0 else WARM_UP
                    items = [next(left) if name in SPENDING else None for _ in range(many)]
                    took = worker_pool.do(name, [items])
                    if turn >= 0:
                        taken[name].append(1000 * took / many)
                if turn >= 0:
                    advance(1)
    yield Figure(
        part="http",
        measure="what HTTP and a key add to an activation",
        clients=1,
        unit="ms",
        ours=[
            called - bare
            for called, bare in zip(taken["activate-keyed"], taken["bare"], strict=True)
        ],
        baseline=taken["empty-post-keyed"],
        against="an empty POST",
        target=1.5,
        at_most=True,
    )
    yield Figure(
        part="http",
        measure="page of 50 contracts",
        clients=1,
        unit="ms",
        ours=taken["page"],
        baseline=[
            sum(parts)
            for parts in zip(taken["sql"], taken["json"], taken["empty-get"], strict=True)
        ],
        against="its SQL + JSON + an empty GET",
        target=2.0,
        at_most=True,
    )


def works(address: str, token: str, sql: str, page: Any) -> dict[str, Work]:
    def ask(_: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            cursor.fetchall()

    return calls(address, token) | {
        "bare": implementations.ours()["activate"],
        "sql": ask,
        "json": lambda _: json.dumps(page),
    }


def page_sql(token: str) -> str:
    """Return the SQL statement that reads a page of contracts."""
    reader = APIClient()
    reader.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    with CaptureQueriesContext(connection) as asked:
        answer = reader.get(f"/api/v1/{PAGE}", secure=True, headers={"host": "localhost"})
    if answer.status_code != 200:
        raise RuntimeError(f"{answer.status_code}: {answer.content!r}")
    [sql] = [one["sql"] for one in asked if SystemContract._meta.db_table in one["sql"]]
    return str(sql)
