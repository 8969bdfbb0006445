"""Responses to requests for addresses that the API does not serve."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.api.support import API, assert_problem
from tests.support.clients import ApiClient


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_address_that_leads_nowhere__a_problem_document_whatever_the_method(method: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    answer = getattr(browser, method)(API + "jobs//start/")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_host__that_is_not_ours__400_as_a_problem(db: None) -> None:
    for host in ("evil.example", "not a host", "[::"):
        answer = ApiClient().get(f"{API}jobs/", HTTP_HOST=host)
        assert_problem(answer, 400, "bad_request")
