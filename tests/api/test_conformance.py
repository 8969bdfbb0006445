"""The schema check of every request and response: what it accepts and what it rejects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import ClientFor
from tests.api.support import API
from tests.support.clients import ApiClient
from tests.support.conformance import UnpromisedAnswerError, require_conformance
from tests.support.factories import pending_job
from tests.support.users import Users

JSON = {"Content-Type": "application/json"}
PROBLEM = {"Content-Type": "application/problem+json"}
NO_JOB = "01a2044a-26c5-7727-8a95-147c6583c740"
NO_FREEZE = {"frozen": False, "until": None, "reason": None, "by": None, "since": None}


def judge(
    path: str,
    status: int,
    headers: dict[str, str],
    body: Any,
    *,
    method: str = "GET",
    sent: Any = "",
) -> None:
    require_conformance(
        method=method,
        path=API + path,
        status=status,
        headers=headers,
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        sent=json.dumps(sent).encode() if sent != "" else b"",
    )


def problem(status: int, code: str) -> dict[str, Any]:
    kind = f"urn:govsite:problem:{code}"
    return {"type": kind, "title": "No", "status": status, "detail": "No.", "code": code}


@pytest.mark.parametrize(
    ("path", "status", "headers", "body"),
    [
        ("freezes/", 200, JSON, NO_FREEZE),
        ("freezes/", 400, PROBLEM, problem(400, "invalid_parameter")),
        ("freezes/", 503, PROBLEM | {"Retry-After": "5"}, problem(503, "database_unavailable")),
        (f"jobs/{NO_JOB}/", 404, PROBLEM, problem(404, "job_not_found")),
        ("jobs/x/", 404, PROBLEM, problem(404, "not_found")),
        ("nowhere/", 404, PROBLEM, problem(404, "not_found")),
        ("jobs/claim/", 405, PROBLEM | {"Allow": "POST"}, problem(405, "method_not_allowed")),
        ("", 200, JSON, {"anything": 1}),
    ],
)
def test_answer__that_the_schema_promises__passes(
    db: None, path: str, status: int, headers: dict[str, str], body: Any
) -> None:
    judge(path, status, headers, body)


@pytest.mark.parametrize(
    ("path", "status", "headers", "body", "words"),
    [
        pytest.param("freezes/", 302, JSON, NO_FREEZE, "status is not declared", id="status"),
        pytest.param(
            "freezes/", 200, PROBLEM, NO_FREEZE, "problem[+]json is not declared", id="media type"
        ),
        pytest.param(
            "freezes/", 200, {}, NO_FREEZE, "no media type is not declared", id="no media type"
        ),
        pytest.param("freezes/", 200, JSON, b"{", "not JSON", id="no JSON"),
        pytest.param(
            "freezes/", 200, JSON, NO_FREEZE | {"frozen": 1}, "frozen: 1 is not", id="a type"
        ),
        pytest.param(
            "freezes/", 200, JSON, NO_FREEZE | {"until": "soon"}, "until: ", id="a format"
        ),
        pytest.param(
            "freezes/", 200, JSON, NO_FREEZE | {"mood": "x"}, "mood", id="an undeclared field"
        ),
        pytest.param("freezes/", 200, JSON, {"frozen": False}, "required", id="a missing field"),
        pytest.param(
            "freezes/", 400, PROBLEM, problem(400, "busy"), "code: ", id="a code of another status"
        ),
        pytest.param(
            f"jobs/{NO_JOB}/",
            404,
            PROBLEM,
            problem(404, "contract_not_found"),
            "code: ",
            id="a code of another operation",
        ),
        pytest.param(
            "freezes/",
            503,
            PROBLEM,
            problem(503, "database_unavailable"),
            "Retry-After is missing",
            id="a missing header",
        ),
        pytest.param(
            "freezes/",
            401,
            PROBLEM | {"WWW-Authenticate": "Basic"},
            problem(401, "not_authenticated"),
            "WWW-Authenticate: ",
            id="another header",
        ),
        pytest.param("nowhere/", 200, JSON, NO_FREEZE, "no operation", id="no operation"),
        pytest.param(
            "nowhere/",
            404,
            PROBLEM,
            problem(404, "job_not_found"),
            "is not declared for",
            id="no thing",
        ),
        pytest.param(
            "freezes/x/",
            404,
            PROBLEM,
            problem(400, "not_found") | {"x": 1},
            "x",
            id="not a problem",
        ),
        pytest.param(
            "jobs/claim/", 405, PROBLEM, problem(405, "method_not_allowed"), "Allow", id="no Allow"
        ),
        pytest.param(
            "jobs/claim/", 404, PROBLEM, problem(404, "not_found"), "other methods", id="is there"
        ),
    ],
)
def test_answer__that_the_schema_does_not_promise__is_found_out(
    db: None, path: str, status: int, headers: dict[str, str], body: Any, words: str
) -> None:
    with pytest.raises(UnpromisedAnswerError, match=words):
        judge(path, status, headers, body)


def test_request__accepted_though_the_schema_forbids_it__is_found_out(
    users: Users, client_for: ClientFor
) -> None:
    address, client = f"jobs/{pending_job(users).pk}/cancel/", client_for(users.operator)
    answer = client.post(API + address, {"reason": "No longer wanted."})
    judge(address, 200, JSON, answer.content, method="POST", sent={"reason": "Enough."})
    for forbidden in ({"reason": " "}, {"reason": 5}, {}, {"reason": "No.", "status": "FAILED"}):
        with pytest.raises(UnpromisedAnswerError, match="the request was accepted, but"):
            judge(address, 200, JSON, answer.content, method="POST", sent=forbidden)


def test_client__of_the_suite__fails_where_the_judge_does(
    users: Users, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.api.freezes.serialize", lambda *_: {"frozen": "perhaps"})
    with pytest.raises(UnpromisedAnswerError, match="GET /api/v1/freezes/ answered"):
        client_for(users.viewer).get(f"{API}freezes/")
    assert isinstance(client_for(None), ApiClient)
