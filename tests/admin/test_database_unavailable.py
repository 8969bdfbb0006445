"""Without a database, every page answers 503 with Retry-After, and shows no traceback."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import Browser
from tests.support.databases import pointed_at
from tests.support.factories import eligible
from tests.support.users import Users


@pytest.fixture
def pages(committed: Users) -> list[str]:
    contract = eligible(committed)
    return [
        reverse("admin:index"),
        reverse("admin:login"),
        reverse("admin:governance_systemcontract_changelist"),
        reverse("admin:governance_systemcontract_change", args=[contract.pk]),
        reverse("admin:governance_systemcontract_approve", args=[contract.pk]),
    ]


@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_page__with_no_database__503_and_retry_after(
    committed: Users, pages: list[str], signed_in: Browser, method: str
) -> None:
    browser = signed_in(committed.founder)
    browser.raise_request_exception = False
    with pointed_at("no_such_database"):
        for page in pages:
            assert_unavailable(getattr(browser, method)(page), with_body=method != "head")
    assert browser.get(pages[0]).status_code == 200


def test_login__with_no_database__503_and_retry_after(committed: Users) -> None:
    browser = Client(raise_request_exception=False)
    with pointed_at("no_such_database"):
        form = {"username": "founder", "password": "secret"}
        assert_unavailable(browser.post(reverse("admin:login"), form))


def test_page__failing_for_another_reason__is_500(
    committed: Users, signed_in: Browser, settings: Any
) -> None:
    browser = signed_in(committed.founder)
    browser.raise_request_exception = False
    settings.UNFOLD = settings.UNFOLD | {"SIDEBAR": {"navigation": "nowhere.at_all"}}
    answer = browser.get(reverse("admin:index"))
    assert (answer.status_code, "Retry-After" in answer) == (500, False)


def test_api__failing_around_its_views__is_a_problem_document(
    committed: Users, settings: Any
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.support.failing.asks_the_database"]
    browser = Client(raise_request_exception=False)
    with pointed_at("no_such_database"):
        answer = browser.get("/api/v1/jobs/")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert answer.json()["code"] == "database_unavailable"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:-1], "tests.support.failing.breaks"]
    answer = Client(raise_request_exception=False).get("/api/v1/jobs/")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


def assert_unavailable(answer: Any, *, with_body: bool = True) -> None:
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert answer["Content-Type"].startswith("text/html")
    assert ("does not answer" in answer.content.decode()) == with_body
    assert "no_such_database" not in answer.content.decode()
