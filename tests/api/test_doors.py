"""What a client hears that knocks at the wrong door."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.api.support import API


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_address_that_leads_nowhere__a_problem_document_whatever_the_method(method: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    answer = getattr(browser, method)(API + "jobs//start/")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"
