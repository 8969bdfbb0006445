"""Sweeps that are held back: the notice on the home page, and the page that carries them out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.models import SystemContract
from tests.admin.conftest import Browser
from tests.support.admin import contract_url
from tests.support.factories import apart, eligible, now, reloaded, running_job
from tests.support.users import Users

HOME = reverse("admin:index")
CONTRACTS = reverse("admin:governance_systemcontract_endings")
JOBS = reverse("admin:governance_governancejob_endings")
LONG_AGO = timedelta(days=30)
TOO_MANY = 21


@pytest.fixture
def overdue(users: Users) -> list[SystemContract]:
    return [eligible(users, at=now() - LONG_AGO) for _ in range(TOO_MANY)]


def text_of(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_home__while_a_sweep_is_held_back__says_so_with_the_list(
    users: Users, signed_in: Browser, overdue: list[SystemContract]
) -> None:
    text = text_of(signed_in(users.viewer), HOME)
    assert "21 contracts would end at once, so none was ended." in text
    for contract in overdue[:5]:
        assert contract_url(contract) in text
    assert "and 16 more" in text
    assert f'href="{CONTRACTS}"' in text
    assert "and end them" not in text
    assert "and end them" in text_of(signed_in(users.operator), HOME)


def test_home__with_lost_jobs__says_so(users: Users, founder_browser: Client) -> None:
    for _ in range(TOO_MANY):
        running_job(users, at=now() - timedelta(hours=3), **apart())
    assert "21 jobs would end at once" in text_of(founder_browser, HOME)
    assert "End these 21" not in text_of(founder_browser, JOBS)  # a founder is no operator


def test_home__while_few_are_due__says_nothing(users: Users, founder_browser: Client) -> None:
    eligible(users, at=now() - LONG_AGO)
    assert "would end at once" not in text_of(founder_browser, HOME)
    assert "The next scheduled sweep ends them." in text_of(founder_browser, CONTRACTS)


def test_page__of_what_is_due__ends_exactly_what_it_listed(
    users: Users, signed_in: Browser, overdue: list[SystemContract]
) -> None:
    browser = signed_in(users.operator)
    text = text_of(browser, CONTRACTS)
    assert "End these 21" in text
    assert text.count('name="ids"') == TOO_MANY
    later, young = eligible(users, at=now() - LONG_AGO), eligible(users)
    listed = [str(contract.pk) for contract in overdue]
    answer = browser.post(CONTRACTS, {"ids": [*listed, str(young.pk), "no id"]}, follow=True)
    assert answer.redirect_chain == [(HOME, 302)]
    assert "Ended: 21 contracts of the 22 listed." in answer.content.decode()
    assert {reloaded(contract).status for contract in overdue} == {"EXPIRED"}
    assert {reloaded(overdue[0]).closed_by} == {users.operator}
    assert [reloaded(one).status for one in (later, young)] == ["ELIGIBLE", "ELIGIBLE"]
    assert "would end at once" not in text_of(browser, HOME)


def test_page__without_an_id__400_and_nothing_ended(
    users: Users, signed_in: Browser, overdue: list[SystemContract]
) -> None:
    for data in ({}, {"ids": ["no id"]}):
        assert signed_in(users.operator).post(CONTRACTS, data).status_code == 400
    assert {reloaded(contract).status for contract in overdue} == {"ELIGIBLE"}


def test_page__with_more_than_it_ends_at_once__says_of_how_many(
    users: Users, signed_in: Browser, overdue: list[SystemContract], monkeypatch: Any
) -> None:
    monkeypatch.setattr("governance.admin.endings.MAX_ENDED_AT_ONCE", 5)
    text = text_of(signed_in(users.operator), CONTRACTS)
    assert "the first 5 of 21" in text
    assert "End these 5" in text


def test_page__of_nothing__says_so(users: Users, founder_browser: Client) -> None:
    for address in (CONTRACTS, JOBS):
        assert "Nothing is past its time." in text_of(founder_browser, address)


def test_page__with_more_due__asks_no_more_queries(users: Users, founder_browser: Client) -> None:
    counts = []
    for _ in range(2):
        eligible(users, at=now() - LONG_AGO)
        running_job(users, at=now() - LONG_AGO, **apart())
        for address in (CONTRACTS, JOBS):
            with CaptureQueriesContext(connection) as sent:
                text_of(founder_browser, address)
            counts.append(len(sent))
    assert counts[:2] == counts[2:]
