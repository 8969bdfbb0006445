"""A token's caller: found by one statement, and may do exactly what Django says he may."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.flows.callers import tokens_that_begin
from governance.models import Account, ApiToken
from governance.vocabulary.roles import Role
from governance.vocabulary.tokens import TOKEN_KEY_LENGTH
from tests.support.cast import Cast
from tests.support.tokens import made_token


def caller(person: Account, **columns: Any) -> Account:
    _, text = made_token(person, **columns)
    [found] = tokens_that_begin(text[:TOKEN_KEY_LENGTH])
    user: Account = found.user
    return user


def permission(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


def assert_may_as_django_says(person: Account) -> set[str]:
    """What he may do, the same by all of Django's questions."""
    found, told = caller(person), Account.objects.get(pk=person.pk)
    assert found.get_user_permissions() == told.get_user_permissions()
    assert found.get_group_permissions() == told.get_group_permissions()
    assert found.get_all_permissions() == told.get_all_permissions()
    for one in Permission.objects.select_related("content_type"):
        name = f"{one.content_type.app_label}.{one.codename}"
        assert found.has_perm(name) == told.has_perm(name), name
    return set(told.get_all_permissions())


def test_caller__of_no_group__may_nothing(cast: Cast) -> None:
    assert assert_may_as_django_says(cast.outsider) == set()


def test_caller__of_groups_and_by_himself__may_all_of_it(cast: Cast) -> None:
    cast.viewer.groups.add(Group.objects.get(name=Role.EXECUTOR))
    own = [permission("cancel_job"), permission("view_systemcontract"), permission("add_account")]
    cast.viewer.user_permissions.set(own)
    may = assert_may_as_django_says(cast.viewer)
    assert {"governance.cancel_job", "governance.add_account", "governance.execute_job"} <= may
    assert caller(cast.viewer).get_user_permissions() == {
        "governance.cancel_job",
        "governance.view_systemcontract",
        "governance.add_account",
    }


def test_caller__superuser__may_everything(cast: Cast) -> None:
    cast.outsider.is_superuser = True
    cast.outsider.save()
    assert len(assert_may_as_django_says(cast.outsider)) == Permission.objects.count()


def test_caller__not_active__may_nothing(cast: Cast) -> None:
    cast.founder.is_active = False
    cast.founder.save()
    assert assert_may_as_django_says(cast.founder) == set()


def test_caller__asked_what_he_may__asks_once_and_for_all(cast: Cast) -> None:
    _, text = made_token(cast.founder)
    with CaptureQueriesContext(connection) as asked:
        [found] = tokens_that_begin(text[:TOKEN_KEY_LENGTH])
        assert found.user.has_perm("governance.review_contract")
        assert not found.user.has_perm("governance.execute_job")
    assert len(asked) == 1


def test_token__found__is_the_row_as_it_stands(cast: Cast) -> None:
    token, text = made_token(cast.viewer, verbs=["execute_job"], capabilities=["Émile", "SYSTEM"])
    [found] = tokens_that_begin(text[:TOKEN_KEY_LENGTH])
    stored = ApiToken.objects.get(pk=token.pk)
    columns = [field.attname for field in ApiToken._meta.concrete_fields]
    assert [getattr(found, name) for name in columns] == [getattr(stored, name) for name in columns]
    people = [field.attname for field in Account._meta.concrete_fields]
    assert [getattr(found.user, name) for name in people] == [
        getattr(stored.user, name) for name in people
    ]


def test_token__of_another_beginning__is_not_found(cast: Cast) -> None:
    made_token(cast.viewer)
    assert tokens_that_begin("0" * TOKEN_KEY_LENGTH) == []
