"""Throttles: limits of reads and writes a minute for each token, and `Retry-After`."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from governance.api import throttles
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.support.tokens import new_token
from tests.support.users import Users

JOBS, CLAIM = f"{API}jobs/", f"{API}jobs/claim/"
NOON = 60.0 * 29_000_000


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Set limits of two reads and one write a minute, and a clock that only the test moves."""
    cache.clear()
    settings.GOVSITE = settings.GOVSITE | {
        "API_READS_PER_MINUTE": 2,
        "API_WRITES_PER_MINUTE": 1,
    }
    clock = Clock()
    monkeypatch.setattr(throttles, "time", clock)
    return clock


def statuses(client: APIClient, method: str, path: str, times: int) -> list[int]:
    return [getattr(client, method)(path).status_code for _ in range(times)]


def test_token__beyond_its_reads__429_until_the_minute_is_over(
    users: Users, client_for: ClientFor, clock: Clock
) -> None:
    client = client_for(users.executor)
    clock.now = NOON + 12.5
    assert statuses(client, "get", JOBS, 2) == [200, 200]
    answer = client.get(JOBS)
    assert_problem(answer, 429, "throttled")
    assert answer["Retry-After"] == "48"
    clock.now = NOON + 59.999
    answer = client.get(JOBS)
    assert_problem(answer, 429, "throttled")
    assert answer["Retry-After"] == "1"
    clock.now = NOON + 60
    assert client.get(JOBS).status_code == 200


def test_reads_and_writes__are_counted_apart(
    users: Users, client_for: ClientFor, clock: Clock
) -> None:
    client = client_for(users.executor)
    assert statuses(client, "post", CLAIM, 2) == [204, 429]
    assert statuses(client, "get", JOBS, 3) == [200, 200, 429]
    assert statuses(client, "head", JOBS, 1) == [429]


def test_tokens__of_one_account__are_counted_apart(
    users: Users, client_for: ClientFor, clock: Clock
) -> None:
    for _ in range(2):
        assert statuses(client_for(users.executor), "get", JOBS, 3) == [200, 200, 429]


def test_refusals__count_too(users: Users, client_for: ClientFor, clock: Clock) -> None:
    client = client_for(users.viewer)
    assert statuses(client, "post", CLAIM, 2) == [403, 429]


def test_call_without_a_token__is_not_counted(db: None, clock: Clock) -> None:
    assert statuses(APIClient(), "get", JOBS, 4) == [401] * 4
    assert statuses(APIClient(), "get", API, 4) == [200] * 4


def test_throttled_call__asks_the_database_for_nothing_but_the_token(
    users: Users, clock: Clock
) -> None:
    client = APIClient(headers={"Authorization": f"Bearer {new_token(users.viewer)}"})
    statuses(client, "get", JOBS, 2)
    with CaptureQueriesContext(connection) as asked:
        assert_problem(client.get(JOBS), 429, "throttled")
    assert len(asked) == 1


def test_limit_of_0__is_none(
    users: Users, client_for: ClientFor, clock: Clock, settings: Any
) -> None:
    settings.GOVSITE = settings.GOVSITE | {"API_READS_PER_MINUTE": 0}
    assert statuses(client_for(users.viewer), "get", JOBS, 5) == [200] * 5


def test_count__dropped_from_a_full_cache_meanwhile__begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache.clear()
    monkeypatch.setattr(cache, "add", lambda *given, **options: False)
    assert throttles.TokenThrottle._count("some") == 1
    assert throttles.TokenThrottle._count("some") == 2
