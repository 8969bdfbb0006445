"""Tests of `tokens_by_key`: one statement loads a caller with the permissions that Django gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.domain.roles import Role
from governance.domain.tokens import TOKEN_KEY_LENGTH
from governance.models import Account, ApiToken
from governance.services.access.callers import tokens_by_key
from tests.support.tokens import made_token
from tests.support.users import Users


def caller(person: Account, **columns: Any) -> Account:
    _, text = made_token(person, **columns)
    [(found, _)] = tokens_by_key(text[:TOKEN_KEY_LENGTH])
    user: Account = found.user
    return user


def permission(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


def assert_may_as_django_says(person: Account) -> set[str]:
    """Compare the caller's permissions with Django's for the account, and return them."""
    found, reloaded_person = caller(person), Account.objects.get(pk=person.pk)
    assert found.get_user_permissions() == reloaded_person.get_user_permissions()
    assert found.get_group_permissions() == reloaded_person.get_group_permissions()
    assert found.get_all_permissions() == reloaded_person.get_all_permissions()
    for one in Permission.objects.select_related("content_type"):
        name = f"{one.content_type.app_label}.{one.codename}"
        assert found.has_perm(name) == reloaded_person.has_perm(name), name
    return set(reloaded_person.get_all_permissions())


def test_caller__of_no_group__may_nothing(users: Users) -> None:
    assert assert_may_as_django_says(users.outsider) == set()


def test_caller__of_groups_and_by_himself__may_all_of_it(users: Users) -> None:
    users.viewer.groups.add(Group.objects.get(name=Role.EXECUTOR))
    own = [permission("cancel_job"), permission("view_systemcontract"), permission("add_account")]
    users.viewer.user_permissions.set(own)
    may = assert_may_as_django_says(users.viewer)
    assert {"governance.cancel_job", "governance.add_account", "governance.execute_job"} <= may
    assert caller(users.viewer).get_user_permissions() == {
        "governance.cancel_job",
        "governance.view_systemcontract",
        "governance.add_account",
    }


def test_caller__superuser__may_everything(users: Users) -> None:
    users.outsider.is_superuser = True
    users.outsider.save()
    assert len(assert_may_as_django_says(users.outsider)) == Permission.objects.count()


def test_caller__not_active__may_nothing(users: Users) -> None:
    users.founder.is_active = False
    users.founder.save()
    assert assert_may_as_django_says(users.founder) == set()


def test_caller__asked_what_he_may__asks_once_and_for_all(users: Users) -> None:
    _, text = made_token(users.founder)
    with CaptureQueriesContext(connection) as asked:
        [(found, _)] = tokens_by_key(text[:TOKEN_KEY_LENGTH])
        assert found.user.has_perm("governance.cancel_job")
        assert not found.user.has_perm("governance.execute_job")
        assert found.user.has_role(Role.FOUNDER)
        assert not found.user.has_role(Role.AUDITOR)
    assert len(asked) == 1


def test_token__found__is_the_current_row(users: Users) -> None:
    token, text = made_token(users.viewer, verbs=["execute_job"], capabilities=["Émile", "SYSTEM"])
    [(found, now)] = tokens_by_key(text[:TOKEN_KEY_LENGTH])
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
    stored = ApiToken.objects.get(pk=token.pk)
    columns = [field.attname for field in ApiToken._meta.concrete_fields]
    assert [getattr(found, name) for name in columns] == [getattr(stored, name) for name in columns]
    people = [field.attname for field in Account._meta.concrete_fields]
    assert [getattr(found.user, name) for name in people] == [
        getattr(stored.user, name) for name in people
    ]


def test_token__of_another_beginning__is_not_found(users: Users) -> None:
    made_token(users.viewer)
    assert tokens_by_key("0" * TOKEN_KEY_LENGTH) == []
