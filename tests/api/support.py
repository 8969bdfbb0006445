"""What tests of the API share: addresses, a well-formed report, and how a problem looks."""

from __future__ import annotations

from typing import Any

API = "/api/v1/"


def report_body(token: str, step_index: int = 0, **fields: Any) -> dict[str, Any]:
    """A report of a completed step; `fields` replaces what it says."""
    return {
        "execution_token": token,
        "step_index": step_index,
        "status": "COMPLETED",
        "started_at": "2026-11-02T09:00:00Z",
        "completed_at": "2026-11-02T09:00:01.5Z",
        "output": {"done": True},
    } | fields


def assert_problem(
    response: Any, status: int, code: str, path: str | None = None
) -> dict[str, Any]:
    """The response is a problem document of this status and code, naming this path if any."""
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
