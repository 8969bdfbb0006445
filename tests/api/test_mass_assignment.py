"""Mass assignment: a body that names a column of the record is refused and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from governance.api.problems import MAX_ERRORS
from governance.models import (
    ApprovalSignature,
    AuditEvidence,
    GovernanceAudit,
    GovernanceJob,
    IdempotencyRecord,
    LedgerEntry,
    StepResult,
    SystemContract,
)
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.api.test_idempotency import POSTS
from tests.support.users import Users

RECORD = (SystemContract, GovernanceJob, StepResult, AuditEvidence, GovernanceAudit, LedgerEntry)
# Every column of the record that a client could try to set, and those of accounts and tokens.
COLUMNS = sorted(
    {
        name
        for model in (*RECORD, ApprovalSignature, IdempotencyRecord)
        for field in model._meta.concrete_fields
        for name in (field.name, field.attname)
    }
    | {"is_superuser", "is_staff", "user", "permissions", "actor", "founder", "quorum", "pk"}
)


# Columns that are also legitimate input of an operation.
ITS_OWN = {
    "activate": {"timeout_minutes"},
    "activate_many": {"timeout_minutes"},
    "results": {"output", "error", "health_after"},
    "verdict": {"checks"},
}


def everything() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in RECORD]


def in_turns(columns: list[str]) -> Iterator[list[str]]:
    """Split the columns into groups of as many as one error response lists."""
    for first in range(0, len(columns), MAX_ERRORS):
        yield columns[first : first + MAX_ERRORS]


def named_in(answer: Any) -> set[str]:
    """Return the paths of a 400 response, after checking that each is an unknown field."""
    problem = assert_problem(answer, 400, "invalid_input")
    assert {fault["message"] for fault in problem["errors"]} == {"is not a known field"}
    return {fault["path"] for fault in problem["errors"]}


@pytest.mark.parametrize("name", POSTS)
def test_body__with_a_column_of_the_record__400_and_nothing_changes(
    users: Users, client_for: ClientFor, name: str
) -> None:
    post = POSTS[name](users)
    client, before = client_for(getattr(users, post.person)), everything()
    tried = [c for c in COLUMNS if c not in post.body.keys() | ITS_OWN.get(name, set())]
    assert len(tried) > 60
    for columns in in_turns(tried):
        for value in ("COMPLETED", None):
            answer = client.post(API + post.path, post.body | dict.fromkeys(columns, value))
            assert named_in(answer) == set(columns)
    # A single such column is refused, too.
    for column in {"status", "approved_by", "content_digest", "updated_at", "id"} & set(tried):
        answer = client.post(API + post.path, {**post.body, column: "COMPLETED"})
        assert_problem(answer, 400, "invalid_input", column)
    assert everything() == before
    # The same call without the columns succeeds.
    assert client.post(API + post.path, post.body).status_code == post.succeeds


def test_report_within_a_batch__with_a_column_of_the_record__400(
    users: Users, client_for: ClientFor
) -> None:
    post = POSTS["results"](users)
    report = {k: v for k, v in post.body.items() if k != "execution_token"}
    client, before = client_for(users.executor), everything()
    tried = [c for c in COLUMNS if c not in report.keys() | ITS_OWN["results"]]
    for columns in in_turns(tried):
        body = {
            "execution_token": post.body["execution_token"],
            "results": [report | dict.fromkeys(columns, "COMPLETED")],
        }
        answer = client.post(API + post.path, body)
        assert named_in(answer) == {f"results[0].{column}" for column in columns}
    assert everything() == before


@pytest.mark.parametrize("name", POSTS)
def test_query_and_headers__cannot_say_it_either(
    users: Users, client_for: ClientFor, name: str
) -> None:
    post = POSTS[name](users)
    client, before = client_for(getattr(users, post.person)), everything()
    for column in ("status", "approved_by", "actor", "at"):
        answer = client.post(f"{API}{post.path}?{column}=COMPLETED", post.body)
        assert_problem(answer, 400, "invalid_parameter", column)
    for override in ("PUT", "PATCH", "DELETE"):
        answer = getattr(client, override.lower())(API + post.path, {"status": "COMPLETED"})
        assert_problem(answer, 405, "method_not_allowed")
    assert everything() == before
