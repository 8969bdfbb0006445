"""Idempotent requests: a repeated `Idempotency-Key` runs once and gets the stored response."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from governance.api.contracts import ContractViewSet
from governance.api.jobs import JobViewSet
from governance.models import GovernanceJob, IdempotencyRecord, LedgerEntry, StepResult
from governance.services.idempotency import stored_responses
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, report_body
from tests.support.attacks import run_sql
from tests.support.clock import as_of
from tests.support.factories import (
    apart,
    approved,
    eligible,
    finished_job,
    pending_job,
    running_job,
)
from tests.support.roles import as_owner
from tests.support.threads import at_once
from tests.support.users import Users

KEY = "6f1c2a1e-0b7e-4d0e-9a39-2f1d9c8f7a11"


@dataclass(frozen=True)
class Post:
    """A POST request that succeeds once: its user, path, body and expected status."""

    person: str
    path: str
    body: Mapping[str, Any]
    succeeds: int


def completion(users: Users) -> Post:
    running = running_job(users, **apart())
    running.complete_steps()
    token = {"execution_token": running.token}
    return Post("executor", f"jobs/{running.job.pk}/complete/", token, 200)


def report(users: Users) -> Post:
    running = running_job(users, **apart())
    return Post("executor", f"jobs/{running.job.pk}/results/", report_body(running.token), 201)


def verdict(users: Users) -> Post:
    job = finished_job(users)
    body = {"verdict": "PASS", "reason": "As signed.", "evidence_sha256": job.evidence.sha256}
    return Post("auditor", f"jobs/{job.pk}/verdict/", body, 201)


def claim(users: Users) -> Post:
    pending_job(users, **apart())
    return Post("executor", "jobs/claim/", {}, 200)


POSTS: Mapping[str, Callable[[Users], Post]] = {
    "activate": lambda users: Post(
        "operator", f"contracts/{approved(users).pk}/activate/", {"timeout_minutes": 5}, 201
    ),
    "activate_many": lambda users: Post(
        "operator", "contracts/activate/", {"contract_ids": [str(approved(users).pk)]}, 200
    ),
    "claim": claim,
    "start": lambda users: Post(
        "executor", f"jobs/{pending_job(users, **apart()).pk}/start/", {}, 200
    ),
    "results": report,
    "complete": completion,
    "cancel": lambda users: Post(
        "operator", f"jobs/{pending_job(users, **apart()).pk}/cancel/", {"reason": "No."}, 200
    ),
    "verdict": verdict,
}


def record_counts() -> tuple[int, ...]:
    """Return the row counts that a second execution of a call would change."""
    return tuple(
        model.objects.count()
        for model in (LedgerEntry, GovernanceJob, StepResult, IdempotencyRecord)
    )


@pytest.fixture
def send(users: Users, client_for: ClientFor) -> Callable[..., Any]:
    clients = {
        name: client_for(getattr(users, name)) for name in ("operator", "executor", "auditor")
    }

    def posted(post: Post, *, key: str | None = KEY, **replaced: Any) -> Any:
        headers = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
        caller = clients[replaced.get("person", post.person)]
        return caller.post(
            API + replaced.get("path", post.path), replaced.get("body", post.body), **headers
        )

    return posted


def posting_actions() -> Iterator[tuple[str, Any]]:
    for view in (ContractViewSet, JobViewSet):
        for action in view.get_extra_actions():
            if "post" in action.mapping:
                yield action.__name__, action


def test_every_call_that_writes__is_idempotent() -> None:
    actions = dict(posting_actions())
    assert set(actions) == set(POSTS)
    assert all(getattr(action, "is_idempotent", False) for action in actions.values())


@pytest.mark.parametrize("name", POSTS)
def test_call__repeated_with_its_key__gets_the_stored_response_and_is_done_once(
    users: Users, send: Callable[..., Any], name: str
) -> None:
    post = POSTS[name](users)
    first = send(post)
    assert first.status_code == post.succeeds, first.content
    assert "Idempotency-Replayed" not in first
    done = record_counts()
    for _ in range(2):
        again = send(post)
        assert again.status_code == first.status_code
        assert again.content == first.content
        assert again["Content-Type"] == first["Content-Type"] == "application/json"
        assert again["Idempotency-Replayed"] == "true"
        assert again["Cache-Control"] == "no-store"
    assert record_counts() == done


@pytest.mark.parametrize("name", POSTS)
def test_call__without_a_key__stores_nothing(
    users: Users, send: Callable[..., Any], name: str
) -> None:
    post = POSTS[name](users)
    assert send(post, key=None).status_code == post.succeeds
    assert not IdempotencyRecord.objects.exists()


def test_key__with_another_body_path_or_user__422_and_nothing_happens(
    users: Users, send: Callable[..., Any]
) -> None:
    post = POSTS["activate"](users)
    other = POSTS["activate"](users)
    assert send(post).status_code == 201
    done = record_counts()
    for replaced in (
        {"body": {"timeout_minutes": 6}},
        {"path": other.path},
        {"person": "executor"},
    ):
        problem = assert_problem(
            send(post, **replaced), 422, "idempotency_key_reused", "Idempotency-Key"
        )
        assert KEY not in str(problem)
    assert record_counts() == done
    assert send(other, key="another-key").status_code == 201


def test_key__under_a_token_of_smaller_scope__422(
    users: Users, client_for: ClientFor, send: Callable[..., Any]
) -> None:
    """Refuse a stored response to a token with a smaller scope than the original one."""
    post = POSTS["claim"](users)
    assert send(post).status_code == 200
    for narrowed in ({"capabilities": ["Checkout"]}, {"verbs": ["execute_job"]}):
        other = client_for(users.executor, **narrowed)
        answer = other.post(API + post.path, post.body, HTTP_IDEMPOTENCY_KEY=KEY)
        assert_problem(answer, 422, "idempotency_key_reused")
    rotated = client_for(users.executor)
    assert rotated.post(API + post.path, {}, HTTP_IDEMPOTENCY_KEY=KEY).status_code == 200


def test_key__with_the_same_body_serialized_otherwise__is_the_same_call(
    users: Users, client_for: ClientFor
) -> None:
    running = running_job(users, **apart())
    executor, url = client_for(users.executor), f"{API}jobs/{running.job.pk}/results/"
    body = report_body(running.token)
    turned = dict(reversed(body.items()))
    first = executor.post(url, body, HTTP_IDEMPOTENCY_KEY=KEY)
    again = executor.post(url, turned, HTTP_IDEMPOTENCY_KEY=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content


@pytest.mark.parametrize("key", ["", "a key", "ключ", "x" * 256, "tab\tkey", "\x7f"])
def test_key__invalid__400(users: Users, send: Callable[..., Any], key: str) -> None:
    post = POSTS["activate"](users)
    assert_problem(send(post, key=key), 400, "invalid_idempotency_key", "Idempotency-Key")
    assert GovernanceJob.objects.count() == 0


@pytest.mark.parametrize("key", ["k", "x" * 255, '"quoted"', "~!@#$%^&*()"])
def test_key__of_any_visible_characters__is_valid(
    users: Users, send: Callable[..., Any], key: str
) -> None:
    post = POSTS["activate"](users)
    assert send(post, key=key).status_code == 201
    assert send(post, key=key)["Idempotency-Replayed"] == "true"


def test_error_of_the_current_state__is_stored(
    users: Users, send: Callable[..., Any], client_for: ClientFor
) -> None:
    contract = eligible(users)
    post = Post("operator", f"contracts/{contract.pk}/activate/", {}, 409)
    first = send(post)
    assert_problem(first, 409, "contract_not_approved")
    again = send(post)
    assert again.content == first.content
    assert again["Content-Type"] == "application/problem+json"
    assert again["Idempotency-Replayed"] == "true"


def test_error_in_the_body__is_not_stored(users: Users, send: Callable[..., Any]) -> None:
    post = POSTS["activate"](users)
    for wrong in ({"timeout_minutes": 0}, {"status": "ACTIVE"}, []):
        assert send(post, body=wrong).status_code == 400
    assert not IdempotencyRecord.objects.exists()
    assert send(post).status_code == 201


def test_missing_permission__is_not_stored(users: Users, send: Callable[..., Any]) -> None:
    post = POSTS["activate"](users)
    assert_problem(send(post, person="auditor"), 403, "permission_denied")
    assert not IdempotencyRecord.objects.exists()
    assert send(post).status_code == 201


def test_server_error__is_not_stored_and_leaves_nothing(
    users: Users, send: Callable[..., Any]
) -> None:
    post = POSTS["activate"](users)
    done = record_counts()
    with patch("governance.api.contracts.ActivationSerializer", side_effect=RuntimeError):
        assert_problem(send(post), 500, "internal_error")
    # The serializer failed after the writes, so their transaction must roll back.
    assert record_counts() == done
    assert send(post).status_code == 201


def test_nothing_to_claim__is_stored_like_any_response(
    users: Users, send: Callable[..., Any]
) -> None:
    post = Post("executor", "jobs/claim/", {}, 204)
    assert send(post).status_code == 204
    pending_job(users, **apart())
    again = send(post)
    assert (again.status_code, again.content) == (204, b"")
    assert "Content-Type" not in again
    assert send(post, key="another-key").status_code == 200


def test_stored_response__in_the_database__shows_no_token_and_no_key(
    users: Users, send: Callable[..., Any]
) -> None:
    token = send(POSTS["start"](users)).json()["execution_token"]
    [(row,)] = run_sql("SELECT row_to_json(r)::text FROM governance_idempotencyrecord r")
    [(sealed,)] = run_sql("SELECT sealed_answer FROM governance_idempotencyrecord")
    for secret in (token, KEY):
        assert secret not in row
        assert secret.encode() not in bytes(sealed)


def test_stored_response__moved_to_another_row__cannot_be_decrypted(
    users: Users, send: Callable[..., Any]
) -> None:
    posts = [POSTS["start"](users) for _ in range(2)]
    for number, post in enumerate(posts):
        assert send(post, key=f"key-{number}").status_code == 200
    run_sql(
        "UPDATE governance_idempotencyrecord one SET sealed_answer = other.sealed_answer"
        " FROM governance_idempotencyrecord other WHERE one.key_sha256 <> other.key_sha256"
    )
    for number, post in enumerate(posts):
        assert_problem(send(post, key=f"key-{number}"), 409, "answer_lost")


def test_stored_response__moved_to_another_call__cannot_be_decrypted(
    users: Users, send: Callable[..., Any]
) -> None:
    """Check that write access to the table and a known key do not disclose another response."""
    one, other = POSTS["start"](users), POSTS["start"](users)
    assert send(one).status_code == 200
    assert send(other, key="another-key").status_code == 200
    [kept, its] = IdempotencyRecord.objects.order_by("kept_at")
    with as_owner():
        run_sql(
            "UPDATE governance_idempotencyrecord SET request_sha256 = %s WHERE key_sha256 = %s",
            its.request_sha256,
            kept.key_sha256,
        )
    assert_problem(send(other), 409, "answer_lost")


def test_stored_response__under_an_older_secret__is_readable_while_it_is_a_fallback(
    users: Users, send: Callable[..., Any], settings: Any
) -> None:
    post, older = POSTS["start"](users), settings.SECRET_KEY
    first = send(post)
    settings.SECRET_KEY = "a new one"
    assert_problem(send(post), 409, "answer_lost")
    settings.SECRET_KEY_FALLBACKS = [older]
    assert send(post).content == first.content


def test_stored_response__after_a_day__is_gone(users: Users, send: Callable[..., Any]) -> None:
    post = POSTS["activate"](users)
    send(post)
    shift(timedelta(hours=23, minutes=59))
    assert send(post)["Idempotency-Replayed"] == "true"
    shift(timedelta(minutes=2))
    other = POSTS["activate"](users)
    # An expired key can be reused for another call, even before the record is purged.
    assert send(other).status_code == 201
    assert send(other)["Idempotency-Replayed"] == "true"


def shift(by: timedelta) -> None:
    """Age the stored responses by this much."""
    with as_owner():
        run_sql("UPDATE governance_idempotencyrecord SET kept_at = kept_at - %s", by)


def test_call__while_the_same_one_is_carried_out__409_and_later_its_answer(
    committed: Users, client_for: ClientFor
) -> None:
    contract = approved(committed)
    clients = [client_for(committed.operator) for _ in range(2)]
    url = f"{API}contracts/{contract.pk}/activate/"
    with transaction.atomic():
        first = clients[0].post(url, {}, HTTP_IDEMPOTENCY_KEY=KEY)
        assert first.status_code == 201
        # The first call's transaction is still open here.
        [second] = at_once(lambda wait: clients[1].post(url, {}, HTTP_IDEMPOTENCY_KEY=KEY))
        assert_problem(second, 409, "request_in_progress")
        assert second["Retry-After"] == "1"
    again = clients[1].post(url, {}, HTTP_IDEMPOTENCY_KEY=KEY)
    assert again.content == first.content
    assert again["Idempotency-Replayed"] == "true"


def test_call__eight_times_at_once__is_done_once(committed: Users, client_for: ClientFor) -> None:
    post = POSTS["start"](committed)
    clients = [client_for(committed.executor) for _ in range(8)]

    def send_with(client: Any) -> Callable[[Any], Any]:
        def call(wait: Any) -> Any:
            wait()
            return client.post(API + post.path, {}, HTTP_IDEMPOTENCY_KEY=KEY)

        return call

    answers = at_once(*map(send_with, clients))
    answered = [answer for answer in answers if answer.status_code == 200]
    waiting = [answer for answer in answers if answer.status_code != 200]
    assert len({answer.content for answer in answered}) == 1
    for answer in waiting:
        assert_problem(answer, 409, "request_in_progress")
    assert LedgerEntry.objects.filter(event="job.execution.started").count() == 1


def test_error_at_commit__rolls_back_all_and_is_not_stored(
    committed: Users, client_for: ClientFor
) -> None:
    contract = approved(committed)
    operator = client_for(committed.operator)
    url = f"{API}contracts/{contract.pk}/activate/"
    with patch("governance.authorities.orchestrator.activation.entries_as_json", return_value="[]"):
        # No ledger entry is written, so a trigger fails the commit after the response was stored.
        assert_problem(operator.post(url, {}, HTTP_IDEMPOTENCY_KEY=KEY), 409, "integrity_violation")
    assert not IdempotencyRecord.objects.exists()
    assert not GovernanceJob.objects.exists()
    assert operator.post(url, {}, HTTP_IDEMPOTENCY_KEY=KEY).status_code == 201


@pytest.mark.parametrize("name", [name for name in POSTS if name != "activate_many"])
def test_call__with_a_key__costs_two_queries_and_a_transaction_more(
    users: Users, send: Callable[..., Any], name: str
) -> None:
    """Count the lock with the lookup, the storing of the response, and a savepoint's two."""
    posts = [POSTS[name](users) for _ in range(2)]
    counts = []
    for post, key in zip(posts, (None, KEY), strict=True):
        with CaptureQueriesContext(connection) as asked:
            assert send(post, key=key).status_code == post.succeeds
        counts.append(len(asked))
    assert counts[1] - counts[0] == 2 + 2


def test_purge__takes_what_is_older_than_a_day_in_small_steps(
    users: Users, send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_responses, "PURGE_BATCH_SIZE", 2)
    for number in range(5):
        send(POSTS["activate"](users), key=f"old-{number}")
    shift(timedelta(hours=25))
    send(POSTS["activate"](users), key="new")
    at = IdempotencyRecord.objects.latest("kept_at").kept_at
    assert as_of(at, stored_responses.purge_stored_responses) == 5
    assert IdempotencyRecord.objects.count() == 1
    assert as_of(at, stored_responses.purge_stored_responses) == 0
