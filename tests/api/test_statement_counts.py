"""Tests of what a call costs: every statement that a request sends to PostgreSQL, and no more.

Counted is each one, BEGIN, COMMIT and SAVEPOINT included, on a warm connection and with a token
whose use was recorded just now. A later addition to a call belongs into the statement that reads or
into the one that writes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.conftest import ClientFor
from tests.api.support import API, report_body
from tests.support.factories import approved, pending_job, running_job
from tests.support.users import Users

# Sends the call once, and returns the response; keyword arguments are headers.
Call = Callable[..., Any]


def activation(users: Users, client_for: ClientFor) -> Call:
    client, contract = client_for(users.operator), approved(users)
    return lambda **headers: client.post(f"{API}contracts/{contract.pk}/activate/", {}, **headers)


def claim(users: Users, client_for: ClientFor) -> Call:
    client = client_for(users.executor)
    pending_job(users)
    return lambda **headers: client.post(f"{API}jobs/claim/", {}, **headers)


def report(users: Users, client_for: ClientFor) -> Call:
    client, running = client_for(users.executor), running_job(users)
    body = report_body(running.token, 0)
    return lambda **headers: client.post(f"{API}jobs/{running.job.pk}/results/", body, **headers)


def completion(users: Users, client_for: ClientFor) -> Call:
    client, running = client_for(users.executor), running_job(users)
    running.complete_steps()
    body = {"execution_token": running.token}
    return lambda **headers: client.post(f"{API}jobs/{running.job.pk}/complete/", body, **headers)


# The most statements of a call, and of a call with an Idempotency-Key.
BUDGET = {activation: (4, 8), claim: (4, 8), report: (4, 8), completion: (4, 8)}


@pytest.mark.parametrize("with_key", [False, True], ids=["plain", "with a key"])
@pytest.mark.parametrize("prepare", BUDGET, ids=lambda prepare: prepare.__name__)
def test_call__once__sends_no_more_statements_than_this(
    committed: Users,
    client_for: ClientFor,
    prepare: Callable[[Users, ClientFor], Call],
    with_key: bool,
) -> None:
    call = prepare(committed, client_for)
    headers = {"HTTP_IDEMPOTENCY_KEY": "only-once"} if with_key else {}
    with CaptureQueriesContext(connection) as sent:
        response = call(**headers)
    assert response.status_code in (200, 201), response.content
    statements = [one["sql"][:90] for one in sent]
    assert 2 < len(statements) <= BUDGET[prepare][with_key], statements
