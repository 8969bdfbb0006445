"""Helpers of the API tests: URLs, a valid step report, and an assertion for problem documents."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.domain.canonical import timestamp
from tests.support.factories import now

API = "/api/v1/"


def report_body(token: str, step_index: int = 0, **fields: Any) -> dict[str, Any]:
    """Return the body of the report of a step that completed now, with `fields` replaced."""
    at = timestamp(now())
    return {
        "execution_token": token,
        "step_index": step_index,
        "status": "COMPLETED",
        "started_at": at,
        "completed_at": at,
        "output": {"done": True},
    } | fields


def assert_problem(
    response: Any, status: int, code: str, path: str | None = None
) -> dict[str, Any]:
    """Assert that the response is a problem document with this status, code and error path."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert problem["type"] == f"urn:govsite:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in response.content.decode()
    if path is not None:
        assert path in [fault["path"] for fault in problem["errors"]], problem
    return problem


def all_pages(client: Any, address: str) -> Iterator[list[dict[str, Any]]]:
    """Return the results of each page, starting at `address` and following `next`."""
    for _ in range(100):
        if not address:
            return
        answer = client.get(address)
        assert answer.status_code == 200, answer.content
        yield answer.json()["results"]
        address = answer.json()["next"]
    raise AssertionError("The pages never end.")


def all_ids(client: Any, address: str) -> list[str]:
    return [row["id"] for page in all_pages(client, API + address) for row in page]


def packed(text: str) -> str:
    """Return this text encoded as a page cursor."""
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def queries_of(client: Any, address: str) -> list[str]:
    """Return the SQL statements that a successful GET of `address` runs."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(API + address)
        assert answer.status_code == 200, answer.content
        return [query["sql"] for query in queries]
