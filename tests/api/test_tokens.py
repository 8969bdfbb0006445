"""Token authentication: valid tokens, their verbs, and the record of their last use."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from governance.api import urls
from governance.domain.tokens import TOKEN_VERBS
from governance.models import ApiToken
from governance.services.access.tokens import revoke_token, rotate_token
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, report_body
from tests.api.test_who_may import call, routes
from tests.support.clock import as_of
from tests.support.factories import now, running_job
from tests.support.tokens import made_token, new_token
from tests.support.users import Users

JOBS = f"{API}jobs/"


def with_token(text: str, **options: Any) -> APIClient:
    return APIClient(headers={"Authorization": f"Bearer {text}"}, **options)


# --- 401 ---
def test_token__revoked__401_from_the_next_call_on_and_expired_or_not(users: Users) -> None:
    token, text = made_token(users.viewer)
    old, old_text = made_token(users.viewer, lasts=timedelta(seconds=-1))
    client = with_token(text)
    assert client.get(JOBS).status_code == 200
    for one in (token, old):
        revoke_token(token_id=one.pk, actor=users.founder)
    for one_text in (text, old_text):
        problem = assert_problem(with_token(one_text).get(JOBS), 401, "token_revoked")
        assert set(problem) == {"type", "title", "status", "detail", "code"}
        assert problem["detail"] == "This token was revoked."


def test_token__rotated__both_are_valid_until_the_overlap_is_over(users: Users) -> None:
    old, text = made_token(users.viewer)
    _, new_text = as_of(
        now() - timedelta(seconds=1),
        rotate_token,
        token_id=old.pk,
        overlap=timedelta(0),
        actor=users.founder,
    )
    assert_problem(with_token(text).get(JOBS), 401, "token_expired")
    assert with_token(new_text).get(JOBS).status_code == 200


def test_token__begins_like_one_that_is_revoked__is_just_unknown(users: Users) -> None:
    token, text = made_token(users.viewer)
    revoke_token(token_id=token.pk, actor=users.founder)
    forged = text[:-1] + ("0" if text[-1] != "0" else "1")
    assert_problem(with_token(forged).get(JOBS), 401, "authentication_failed")


# --- verbs ---
def permissions() -> dict[tuple[str, str], str]:
    """Return the permission that each operation requires, by method and route."""
    return {
        (method, route): pattern.callback.cls.action_permissions[action]
        for route, pattern in routes(urls.urlpatterns)
        for method, action in getattr(pattern.callback, "actions", {}).items()
        if method != "head"
    }


def test_verbs__are_the_permissions_that_the_calls_name() -> None:
    assert {f"governance.{verb}" for verb in TOKEN_VERBS} == set(permissions().values())


@pytest.mark.parametrize("verb", TOKEN_VERBS)
def test_verb__of_a_token__opens_its_calls_and_no_others(
    users: Users, client_for: ClientFor, verb: str
) -> None:
    users.outsider.is_superuser = True
    users.outsider.save()
    client = client_for(users.outsider, verbs=[verb])
    for (method, route), needed in permissions().items():
        answer = call(client, method, route)
        if needed == f"governance.{verb}":
            assert answer.status_code in (200, 204, 400, 404), (method, route, answer.content)
        else:
            problem = assert_problem(answer, 403, "permission_denied")
            assert problem["detail"] == f"This needs the permission {needed}."


def test_verb__that_the_account_does_not_have__opens_nothing(
    users: Users, client_for: ClientFor
) -> None:
    client = client_for(users.viewer, verbs=["execute_job"])
    assert_problem(client.post(f"{JOBS}claim/"), 403, "permission_denied")
    assert_problem(client.get(JOBS), 403, "permission_denied")


# --- jobs of other executors ---
@pytest.mark.parametrize("action", ["results", "complete"])
def test_running_job__of_another_executor__404_as_if_it_were_not_there(
    users: Users, client_for: ClientFor, action: str
) -> None:
    running = running_job(users)
    users.outsider.is_superuser = True
    users.outsider.save()
    client = client_for(users.outsider)
    for token in (running.token, "stolen"):
        body = report_body(token) if action == "results" else {"execution_token": token}
        answer = client.post(f"{JOBS}{running.job.pk}/{action}/", body)
        problem = assert_problem(answer, 404, "job_not_found")
        assert problem["detail"] == f"There is no job {running.job.pk}."
        assert "details" not in problem


# --- last use ---
def noted(token: ApiToken) -> Any:
    return ApiToken.objects.get(pk=token.pk).last_used_at


def test_call__first_of_a_minute__is_noted_and_the_others_write_nothing(users: Users) -> None:
    token, text = made_token(users.viewer, last_used_at=None)
    client = with_token(text)
    before = now()
    counts = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as asked:
            assert client.get(JOBS).status_code == 200
        counts.append(sum("UPDATE" in query["sql"] for query in asked))
    assert counts == [1, 0, 0]
    assert before <= noted(token) <= now()


def test_call__a_minute_later__is_noted_anew(users: Users) -> None:
    long_ago = now() - timedelta(seconds=61)
    token, text = made_token(users.viewer, last_used_at=long_ago)
    with_token(text).get(JOBS)
    assert noted(token) > long_ago + timedelta(seconds=60)


def test_call__with_an_expired_token__is_not_noted(users: Users) -> None:
    token, text = made_token(users.viewer, last_used_at=None, lasts=timedelta(seconds=-1))
    with_token(text).get(JOBS)
    assert noted(token) is None


def test_call__token_that_was_just_used__asks_for_it_once_and_writes_nothing(users: Users) -> None:
    client = with_token(new_token(users.viewer))
    with CaptureQueriesContext(connection) as asked:
        client.get(JOBS)
    about = [query["sql"] for query in asked if "apitoken" in query["sql"]]
    assert [sql.split()[0] for sql in about] == ["SELECT"]


def test_call__in_a_database_that_only_reads__answers_all_the_same_and_tries_once(
    users: Users, caplog: pytest.LogCaptureFixture
) -> None:
    token, text = made_token(users.viewer, last_used_at=None)
    client = with_token(text, raise_request_exception=False)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        assert [client.get(JOBS).status_code for _ in range(3)] == [200] * 3
        transaction.set_rollback(True)  # ends the read-only mode as well
    assert noted(token) is None
    [message] = caplog.messages
    assert str(token.pk) in message
    assert "read-only" in message
