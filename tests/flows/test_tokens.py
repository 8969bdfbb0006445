"""Tests of service account tokens: issue, rotate, revoke, find, and record their use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from governance.domain.errors import (
    GovernanceError,
    InvalidInputError,
    NotFoundError,
    WrongPersonError,
    WrongStateError,
)
from governance.domain.roles import Role
from governance.domain.tokens import hash_token
from governance.domain.values import TokenState
from governance.models import Account, ApiToken
from governance.models.fields import new_id
from governance.services.access.accounts import open_account
from governance.services.access.queries import find_token
from governance.services.access.tokens import issue_token, record_use, revoke_token, rotate_token
from tests.support.clock import as_of
from tests.support.factories import now
from tests.support.threads import at_once, overtaking
from tests.support.tokens import made_token
from tests.support.users import Users

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def worker(users: Users) -> Account:
    return open_account(username="worker", role=Role.EXECUTOR)


def issued(users: Users, *, at: datetime | None = None, **changes: Any) -> tuple[ApiToken, str]:
    asked: dict[str, Any] = {"username": "worker", "role": Role.EXECUTOR, "days": 30}
    who = {"create": True, "actor": users.founder}
    return as_of(at, issue_token, **asked | who | changes)


def refused(
    call: Callable[..., Any], kind: type[GovernanceError], *given: Any, **arguments: Any
) -> str:
    """Return the error code of the call; assert that it changed no token and no account."""
    before = (list(ApiToken.objects.values()), list(Account.objects.values()))
    with pytest.raises(kind) as refusal:
        call(*given, **arguments)
    assert (list(ApiToken.objects.values()), list(Account.objects.values())) == before
    return refusal.value.code


# --- issuing ---
def test_issue__for_a_new_account__makes_a_service_account_and_keeps_only_a_hash(
    users: Users,
) -> None:
    at = now()
    token, text = issued(
        users,
        at=at,
        name=" rack 3 ",
        verbs=["view_jobstep", "execute_job", "execute_job"],
        capabilities=["Search", "SYSTEM", "Search"],
    )
    kept = ApiToken.objects.get()
    assert (kept.name, kept.verbs) == ("rack 3", ["view_jobstep", "execute_job"])
    assert kept.capabilities == ["SYSTEM", "Search"]
    assert (kept.created, kept.expiry, kept.issued_by) == (at, at + 30 * DAY, users.founder)
    assert not kept.user.has_usable_password()
    assert kept.digest == hash_token(text)
    assert text not in str(ApiToken.objects.values())
    assert text[:15] not in str(token)
    assert kept.digest not in f"{token} {token!r}"


@pytest.mark.parametrize(
    "change", [lambda person: person.set_password("x"), lambda p: setattr(p, "is_superuser", True)]
)
def test_issue_or_rotate__account_of_a_person__refused(
    users: Users, worker: Account, change: Callable[[Account], None]
) -> None:
    token, _ = issued(users)
    change(worker)
    worker.save()
    assert refused(issued, WrongPersonError, users) == "not_a_service_account"
    rotate = {"token_id": token.pk, "actor": users.founder}
    assert refused(rotate_token, WrongPersonError, **rotate) == "not_a_service_account"


def test_issue_or_rotate__account_not_active__refused(users: Users, worker: Account) -> None:
    token, _ = issued(users)
    worker.is_active = False
    worker.save()
    assert refused(issued, WrongPersonError, users) == "user_inactive"
    rotate = {"token_id": token.pk, "actor": users.founder}
    assert refused(rotate_token, WrongPersonError, **rotate) == "user_inactive"


@pytest.mark.parametrize(
    "changes",
    [
        {"verbs": []},
        {"verbs": ["review_contract"]},
        {"verbs": ["execute_job", "fly"]},
        {"verbs": ["record_verdict"]},  # a valid permission, but not one for an executor
        {"capabilities": []},
        {"capabilities": [""]},
        {"capabilities": [" Search"]},
        {"capabilities": ["x" * 201]},
        {"capabilities": ["a\x00"]},
        {"capabilities": [f"c{n}" for n in range(201)]},
        {"name": "x" * 101},
        {"name": "\ud800"},
        {"username": "\x00"},
        {"username": "two words"},
        {"days": 0},
        {"days": 366},
        {"role": None},
    ],
    ids=str,
)
def test_issue__what_does_not_fit__refused_and_no_account_is_left(
    users: Users, changes: dict[str, Any]
) -> None:
    refused(issued, InvalidInputError, users, **changes)


def test_issue__account_missing_and_not_to_be_made__refused(users: Users) -> None:
    assert refused(issued, NotFoundError, users, create=False) == "user_not_found"


def test_issue__without_a_role__leaves_the_account_as_it_is(users: Users, worker: Account) -> None:
    token, _ = issued(users, role=None)
    assert [group.name for group in token.user.groups.all()] == ["Executor"]


def test_issue__the_same_form_twice__makes_one_token(users: Users) -> None:
    token_id = new_id()
    issued(users, token_id=token_id)
    assert refused(issued, WrongStateError, users, token_id=token_id) == "token_issued"


# --- rotating ---
def test_rotate__token__successor_is_as_narrow_and_the_old_one_ends_after_the_overlap(
    users: Users,
) -> None:
    old, text = issued(users, name="rack 3", verbs=["execute_job"], capabilities=["Search"])
    at = now() + DAY
    successor, new_text = as_of(
        at, rotate_token, token_id=old.pk, overlap=HOUR, actor=users.operator
    )
    old.refresh_from_db()
    same = ("user", "name", "verbs", "capabilities")
    assert [getattr(old, name) for name in same] == [getattr(successor, name) for name in same]
    assert (successor.created, successor.expiry) == (at, at + 30 * DAY)
    assert (successor.rotated_from, successor.issued_by) == (old, users.operator)
    assert new_text != text
    assert old.expiry == at + HOUR
    assert [old.state_at(at + HOUR - timedelta(microseconds=1)), old.state_at(at + HOUR)] == [
        "LIVE",
        "EXPIRED",
    ]


def test_rotate__overlap_beyond_its_end__the_old_one_lives_no_longer(users: Users) -> None:
    old, _ = issued(users, days=1)
    ends = old.expiry
    as_of(now() + HOUR, rotate_token, token_id=old.pk, actor=users.founder)
    old.refresh_from_db()
    assert old.expiry == ends


def test_rotate__token_without_an_end__gets_one(users: Users, worker: Account) -> None:
    old, _ = made_token(worker, lasts=None)
    at = now()
    successor, _ = as_of(at, rotate_token, token_id=old.pk, overlap=HOUR, actor=users.founder)
    old.refresh_from_db()
    assert (old.expiry, successor.expiry) == (at + HOUR, at + 90 * DAY)


def test_rotate__revoked_expired_rotated_or_missing__refused(users: Users) -> None:
    at = now()
    revoked, expired, rotated = (issued(users)[0] for _ in range(3))
    as_of(at, revoke_token, token_id=revoked.pk, actor=users.founder)
    as_of(at, rotate_token, token_id=rotated.pk, actor=users.founder)
    for token, later, code in (
        (revoked, at, "token_revoked"),
        (expired, at + 31 * DAY, "token_expired"),
        (rotated, at, "token_rotated"),
    ):
        arguments = {"token_id": token.pk, "actor": users.founder}
        assert refused(as_of, WrongStateError, later, rotate_token, **arguments) == code
    arguments = {"token_id": uuid4(), "actor": users.founder}
    assert refused(rotate_token, NotFoundError, **arguments) == "token_not_found"


@pytest.mark.parametrize("overlap", [-HOUR, 169 * HOUR])
def test_rotate__overlap_out_of_bounds__refused(users: Users, overlap: timedelta) -> None:
    arguments = {
        "token_id": issued(users)[0].pk,
        "overlap": overlap,
        "actor": users.founder,
    }
    refused(rotate_token, InvalidInputError, **arguments)


# --- revoking ---
def test_revoke__token__at_once_and_for_good_and_its_successor_goes_on(users: Users) -> None:
    old, _ = issued(users)
    successor, _ = rotate_token(token_id=old.pk, actor=users.founder)
    at = now()
    as_of(at, revoke_token, token_id=old.pk, reason=" It leaked. ", actor=users.operator)
    old.refresh_from_db()
    assert (old.revoked_at, old.revoked_by, old.revoked_reason) == (
        at,
        users.operator,
        "It leaked.",
    )
    assert old.state_at(at) is TokenState.REVOKED
    assert successor.state_at(at) is TokenState.LIVE
    arguments = {"token_id": old.pk, "actor": users.founder}
    assert refused(revoke_token, WrongStateError, **arguments) == "token_revoked"


def test_revoke__missing_or_for_a_reason_that_is_none__refused(users: Users) -> None:
    arguments = {"token_id": uuid4(), "actor": users.founder}
    assert refused(revoke_token, NotFoundError, **arguments) == "token_not_found"
    arguments["token_id"] = issued(users)[0].pk
    for reason in ("\x00", "x" * 4001):
        refused(revoke_token, InvalidInputError, **arguments, reason=reason)


# --- lookup ---
def test_find__by_id_or_beginning__the_token(users: Users) -> None:
    token, text = issued(users)
    issued(users)
    for name in (str(token.pk), text[:8], text[:15], token.beginning):
        assert find_token(name) == token


@pytest.mark.parametrize("name", ["", "0" * 7, "0" * 16, "%", "________%", "\x00" * 8, "\ud800"])
def test_find__by_what_is_no_name__refused(users: Users, name: str) -> None:
    issued(users)
    with pytest.raises(InvalidInputError):
        find_token(name)


def test_find__by_nothing_there_or_several__refused(users: Users) -> None:
    for name in (str(uuid4()), "0" * 8, "_" * 8):
        with pytest.raises(NotFoundError):
            find_token(name)
    ApiToken.objects.bulk_create(
        ApiToken(user=users.viewer, digest=end * 128, token_key=f"abcdefgh{end}") for end in "12"
    )
    with pytest.raises(InvalidInputError):
        find_token("abcdefgh")
    assert find_token("abcdefgh2").digest == "2" * 128


# --- last use ---
def test_use__noted_once_a_minute(users: Users) -> None:
    token, _ = made_token(users.viewer, last_used_at=None)
    first = now()
    noted = []
    for seconds in (0, 30, 60, 61, 200):
        record_use(token, at=first + timedelta(seconds=seconds))
        token.refresh_from_db()
        noted.append((token.last_used_at - first).total_seconds())
    assert noted == [0, 0, 60, 60, 200]


def test_use__noted_by_two_calls_that_saw_the_same__one_writes(users: Users) -> None:
    token, _ = made_token(users.viewer, last_used_at=None)
    other, at = ApiToken.objects.get(), now()
    record_use(token, at=at)
    record_use(other, at=at + timedelta(seconds=1))
    assert ApiToken.objects.get().last_used_at == at


def test_use__while_another_session_holds_the_token__does_not_wait(committed: Users) -> None:
    token, _ = made_token(committed.viewer, last_used_at=None)
    with transaction.atomic():
        ApiToken.objects.select_for_update().get()
        at_once(lambda wait: record_use(token, at=now()))
    assert ApiToken.objects.get().last_used_at is None


# --- races ---
def test_rotate__twice_at_once__one_successor(committed: Users) -> None:
    old, _ = issued(committed)

    def rotate() -> Any:
        return rotate_token(token_id=old.pk, actor=committed.founder)

    (successor, _), refusal = overtaking(rotate, rotate)
    assert (successor.rotated_from, refusal.code) == (old, "token_rotated")


def test_rotate__while_it_is_revoked__refused(committed: Users) -> None:
    old, _ = issued(committed)
    arguments = {"token_id": old.pk, "actor": committed.founder}
    _, refusal = overtaking(lambda: revoke_token(**arguments), lambda: rotate_token(**arguments))
    assert refusal.code == "token_revoked"
    assert ApiToken.objects.count() == 1
