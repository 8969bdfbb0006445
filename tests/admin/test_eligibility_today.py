"""A contract's page says whether today's rules of eligibility would stop its activation."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.domain.values import ContractStatus
from governance.flows.read_eligibility import site_thresholds
from governance.flows.review_contract import reject_contract
from governance.services.registry.operations import register_capabilities
from tests.support.admin import contract_url, words_of
from tests.support.eligibility import decided
from tests.support.factories import MAY, approved, eligible, reloaded
from tests.support.users import Users

CHANGED = "The rules changed since this verdict"


@pytest.fixture(autouse=True)
def _search(users: Users) -> None:
    register_capabilities(documents=[{"name": "Search"}])


def own_verdict() -> dict[str, Any]:
    fields: dict[str, Any] = {"source": "manual", "proposer_may_propose": True}
    return decided(site_thresholds(), **fields).model_dump()


def page_of(browser: Client, contract: Any) -> str:
    return html.unescape(words_of(browser.get(contract_url(contract))))


@pytest.mark.parametrize("make", [eligible, approved])
def test_page__where_the_rules_of_today_refuse__says_why(
    users: Users, founder_browser: Client, settings: Any, make: Any
) -> None:
    contract = make(users, eligibility_verdict=own_verdict())
    assert CHANGED not in page_of(founder_browser, contract)
    settings.GOVSITE = settings.GOVSITE | {"ELIGIBILITY_CONFIDENCE": "0.95"}
    page = page_of(founder_browser, contract)
    assert CHANGED in page
    assert "Confidence 0.85 is below the threshold of 0.95." in page


def test_page__where_the_rules_of_today_let_it_pass__says_nothing(
    users: Users, founder_browser: Client, settings: Any
) -> None:
    contract = eligible(users, eligibility_verdict=own_verdict())
    settings.GOVSITE = settings.GOVSITE | {"ELIGIBILITY_CONFIDENCE": "0.80"}
    assert CHANGED not in page_of(founder_browser, contract)


def test_page__of_a_verdict_from_outside_or_of_an_ended_contract__says_nothing(
    users: Users, founder_browser: Client, settings: Any
) -> None:
    imported = eligible(users, eligibility_verdict=MAY)
    ended = eligible(users, eligibility_verdict=own_verdict())
    reject_contract(contract_id=ended.pk, founder=users.founder, reason="Not this quarter, sorry.")
    assert reloaded(ended).status == ContractStatus.REJECTED
    settings.GOVSITE = settings.GOVSITE | {"ELIGIBILITY_CONFIDENCE": "0.95"}
    assert CHANGED not in page_of(founder_browser, imported)
    assert CHANGED not in page_of(founder_browser, ended)


def test_page__asked_again__costs_no_query(
    users: Users, founder_browser: Client, settings: Any
) -> None:
    contract = eligible(users, eligibility_verdict=own_verdict())
    page_of(founder_browser, contract)  # warms caches and connections
    with CaptureQueriesContext(connection) as before:
        page_of(founder_browser, contract)
    settings.GOVSITE = settings.GOVSITE | {"ELIGIBILITY_CONFIDENCE": "0.95"}
    with CaptureQueriesContext(connection) as after:
        page_of(founder_browser, contract)
    assert len(after) == len(before)
