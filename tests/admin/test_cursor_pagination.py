"""Cursor pagination of the long lists: every row once, forwards and backwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.admin.contracts import ContractAdmin
from governance.admin.jobs import JobAdmin
from governance.authorities.contract.capability_history import ContractCursor
from tests.support.factories import eligible, now, pending_job
from tests.support.users import Users

CONTRACTS = reverse("admin:governance_systemcontract_changelist")
JOBS = reverse("admin:governance_governancejob_changelist")


@pytest.fixture
def five(users: Users) -> list[Any]:
    """Five contracts, the newest first; three of them have the same time."""
    at = now()
    moments = [at - timedelta(hours=1), at, at, at, at + timedelta(minutes=1)]
    made = [eligible(users, at=moment, title=f"Bring page {n}") for n, moment in enumerate(moments)]
    return sorted(made, key=lambda one: (one.created_at, one.pk), reverse=True)


def page(browser: Client, address: str) -> tuple[list[Any], str, str]:
    """Return the ids on a page, and the addresses of the earlier and the later page."""
    answer = browser.get(address)
    assert answer.status_code == 200
    found = answer.context["cl"]
    ids = [row.pk for row in found.result_list]
    for url in filter(None, (found.earlier_url, found.later_url)):
        assert url.replace("&", "&amp;") in answer.content.decode()
    return ids, found.earlier_url, found.later_url


@pytest.mark.parametrize("asked", ["", "?o=5", "?o=-5", "?q=bring", "?status=ELIGIBLE&risk=medium"])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_list__paged_there_and_back__each_row_once_in_order(
    five: list[Any], founder_browser: Client, asked: str, size: int
) -> None:
    ids = [one.pk for one in five]
    expected = ids[::-1] if asked == "?o=5" else ids
    with patch.object(ContractAdmin, "list_per_page", size):
        forth: list[Any] = []
        address = later = CONTRACTS + asked
        while later:
            address = CONTRACTS + later.removeprefix(CONTRACTS)
            found, earlier, later = page(founder_browser, address)
            assert bool(earlier) == bool(forth)
            forth += found
        assert forth == expected
        back = found
        while earlier:
            found, earlier, later = page(founder_browser, CONTRACTS + earlier)
            assert later
            back = found + back
        assert back == expected


def test_list__row_arrives_meanwhile__shifts_nothing(
    five: list[Any], users: Users, founder_browser: Client
) -> None:
    with patch.object(ContractAdmin, "list_per_page", 2):
        first, _, later = page(founder_browser, CONTRACTS)
        eligible(users, at=now() + timedelta(hours=1))
        second, _, _ = page(founder_browser, CONTRACTS + later)
    assert first + second == [one.pk for one in five[:4]]


def test_jobs__paged__each_once(users: Users, founder_browser: Client) -> None:
    jobs = [pending_job(users).pk for _ in range(3)][::-1]
    with patch.object(JobAdmin, "list_per_page", 2):
        first, _, later = page(founder_browser, JOBS)
        second, earlier, last = page(founder_browser, JOBS + later)
        assert (first + second, last) == (jobs, "")
        assert page(founder_browser, JOBS + earlier)[0] == first


@pytest.mark.parametrize("cursor", ["", "x", "1~2", "~", f"{'9' * 18}~x", "ÿ~ÿ"])
@pytest.mark.parametrize("name", ["after", "before"])
def test_list__with_an_invalid_cursor__the_plain_list(
    five: list[Any], founder_browser: Client, name: str, cursor: str
) -> None:
    answer = founder_browser.get(CONTRACTS, {name: cursor}, follow=True)
    assert answer.status_code == 200
    assert len(answer.context["cl"].result_list) == 5


def test_list__far_on__skips_nothing_to_get_there(five: list[Any], founder_browser: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        page(founder_browser, f"{CONTRACTS}?after={ContractCursor.of(five[2])}")
    assert not [query["sql"] for query in captured if "OFFSET" in query["sql"]]
