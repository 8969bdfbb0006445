"""Responses during a database outage: 503 with a `Retry-After` header."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.support.databases import pointed_at, server
from tests.support.factories import approved
from tests.support.users import Users


@pytest.mark.parametrize("address", ["contracts/", "jobs/", "jobs/claim/"])
def test_call__with_no_database__503_and_retry_after(
    committed: Users, client_for: ClientFor, address: str
) -> None:
    client = client_for(committed.executor)
    with pointed_at("no_such_database"):
        answer = (client.post if "claim" in address else client.get)(API + address)
    assert_problem(answer, 503, "database_unavailable")
    assert int(answer["Retry-After"]) > 0
    assert "no_such_database" not in answer.content.decode()


def test_call__whose_connection_was_cut__503_and_then_well_again(
    committed: Users, client_for: ClientFor
) -> None:
    client = client_for(committed.viewer)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    with server() as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
    assert_problem(client.get(f"{API}jobs/"), 503, "database_unavailable")
    connection.close_if_unusable_or_obsolete()
    assert client.get(f"{API}jobs/").status_code == 200


def test_write__where_the_database_only_reads__503_and_reading_goes_on(
    committed: Users, client_for: ClientFor
) -> None:
    contract = approved(committed)
    client = client_for(committed.operator)
    client.get(f"{API}jobs/")  # records the token's use, which a read-only transaction cannot
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    answer = client.post(f"{API}contracts/{contract.pk}/activate/", {}, format="json")
    assert_problem(answer, 503, "database_unavailable")
    assert client.get(f"{API}contracts/").status_code == 200
