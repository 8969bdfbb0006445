"""What HTTP adds to a call: against the bare work, and against a call that does nothing.

The site runs as in earnest (gunicorn, real tokens, keys, PostgreSQL); the bare work is done in this
process on the same database. Everything is called in turns, so that a slow moment hits all alike.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import uuid4

import httpx
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from governance.flows.activate_contract import activate_contract
from governance.models import SystemContract
from tests.support.cast import Cast
from tests.support.sites import client_of, new_token, running_site
from tests.support.stories import approved, now

PAGE = 50


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left` milliseconds against `right` milliseconds; at most `allowed` times as many."""

    name: str
    left: float
    right: float
    allowed: float

    @property
    def ratio(self) -> float:
        return self.left / self.right


def measure_api(cast: Cast, *, calls: int, advance: Callable[[int], object]) -> list[Comparison]:
    """The overhead of activating, and of a page of contracts, in medians of `calls` calls."""
    taken: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[..., Any], *arguments: Any) -> Any:
        began = time.perf_counter()
        outcome = work(*arguments)
        taken.setdefault(name, []).append((time.perf_counter() - began) * 1000)
        return outcome

    contracts = iter([approved(cast) for _ in range(2 * calls + 2)])
    with (
        running_site({"DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings"}) as address,
        client_of(address, cast.operator) as client,
    ):
        sql = page_sql(cast)
        for _ in range(calls + 1):
            first, second = next(contracts), next(contracts)
            expect(201, timed("activate over HTTP", post, client, activation_of(first)))
            timed("activate", activate, second, cast)
            expect(201, timed("empty POST", post, client, "empty/"))
            page = timed("page", client.get, f"contracts/?page_size={PAGE}")
            expect(200, page)
            document = page.json()
            timed("page's SQL", run, sql)
            timed("page's JSON", json.dumps, document)
            expect(200, timed("empty GET", client.get, "empty/"))
            advance(1)
    # The first round warmed everything up.
    ms = {name: median(spans[1:]) for name, spans in taken.items()}
    return [
        Comparison(
            "activate over HTTP minus the bare operation : an empty POST",
            ms["activate over HTTP"] - ms["activate"],
            ms["empty POST"],
            1.5,
        ),
        Comparison(
            f"page of {PAGE} contracts : its SQL + JSON + an empty GET",
            ms["page"],
            ms["page's SQL"] + ms["page's JSON"] + ms["empty GET"],
            2.0,
        ),
    ]


def page_sql(cast: Cast) -> str:
    """The one statement that reads a page of contracts."""
    reader = APIClient()
    reader.credentials(HTTP_AUTHORIZATION=f"Bearer {new_token(cast.operator)}")
    with CaptureQueriesContext(connection) as asked:
        expect(200, reader.get(f"/api/v1/contracts/?page_size={PAGE}"))
    (sql,) = [one["sql"] for one in asked if SystemContract._meta.db_table in one["sql"]]
    return str(sql)


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.fetchall()


def activation_of(contract: SystemContract) -> str:
    return f"contracts/{contract.pk}/activate/"


def post(client: httpx.Client, path: str) -> httpx.Response:
    return client.post(path, json={}, headers={"Idempotency-Key": str(uuid4())})


def activate(contract: SystemContract, cast: Cast) -> None:
    activate_contract(contract_id=contract.pk, actor=cast.operator, at=now())


def expect(status: int, answer: Any) -> None:
    if answer.status_code != status:
        raise RuntimeError(f"{answer.status_code} instead of {status}: {answer.content!r}")
