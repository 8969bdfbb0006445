"""`create_api_token`: who may call the API, as whom and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission

from governance.domain.tokens import hash_token
from governance.models import Account, ApiToken
from tests.support.commands import run
from tests.support.factories import now
from tests.support.roles import as_owner
from tests.support.users import Users


@pytest.fixture
def admin(users: Users) -> Account:
    return Account.objects.create_superuser("admin")


def test_create_api_token__with_create__makes_a_service_account(admin: Account) -> None:
    arguments = ("deployer", "--role", "executor", "--create", "--as", "admin")
    ran = run("create_api_token", *arguments)
    assert ran.code == 0
    account = Account.objects.get(username="deployer")
    assert not account.has_usable_password()
    assert not account.is_staff
    assert account.has_perm("governance.execute_job")
    assert not account.has_perm("governance.review_contract")
    token = ApiToken.objects.get()
    assert (token.user, token.digest) == (account, hash_token(ran.out.strip()))
    assert ran.out.strip() not in ran.err


@pytest.mark.parametrize(("arguments", "days"), [((), 90), (("--days", "1"), 1)])
def test_create_api_token__days__say_how_long_it_is_good(
    admin: Account, arguments: tuple[str, ...], days: int
) -> None:
    run("create_api_token", "viewer", "--role", "Viewer", *arguments, "--as", "admin")
    expiry = ApiToken.objects.get().expiry
    assert expiry is not None
    assert abs(expiry - now() - timedelta(days=days)) < timedelta(minutes=1)


def test_create_api_token__json__shows_the_token_and_its_expiry(admin: Account) -> None:
    ran = run("create_api_token", "viewer", "--role", "Viewer", "--as", "admin", "--json")
    output = ran.json()
    assert (output["user"], output["role"]) == ("viewer", "Viewer")
    assert hash_token(output["token"]) == ApiToken.objects.get().digest
    assert output["expires_at"].endswith("Z")


def test_create_api_token__unknown_user_without_create__is_refused(admin: Account) -> None:
    ran = run("create_api_token", "stranger", "--role", "Viewer", "--as", "admin")
    assert (ran.code, ran.err.endswith("(user_not_found)\n")) == (1, True)
    assert not Account.objects.filter(username="stranger").exists()


@pytest.mark.parametrize("name", ["two words", "x" * 151])
def test_create_api_token__name_that_cannot_be__is_refused(admin: Account, name: str) -> None:
    ran = run("create_api_token", name, "--role", "Viewer", "--create", "--as", "admin")
    assert (ran.code, ran.err.startswith("error: username: ")) == (1, True)
    assert not ApiToken.objects.exists()


def test_create_api_token__account_not_active__is_refused(admin: Account, users: Users) -> None:
    Account.objects.filter(pk=users.viewer.pk).update(is_active=False)
    ran = run("create_api_token", "viewer", "--role", "Viewer", "--as", "admin")
    assert (ran.code, ran.err.endswith("(user_inactive)\n")) == (1, True)


def test_create_api_token__role_whose_group_was_deleted__leaves_nothing(admin: Account) -> None:
    with as_owner():
        Group.objects.filter(name="Viewer").delete()
    ran = run("create_api_token", "new", "--role", "Viewer", "--create", "--as", "admin")
    assert (ran.code, ran.err.endswith("(group_not_found)\n")) == (1, True)
    assert not Account.objects.filter(username="new").exists()


@pytest.mark.parametrize("role", ["operator", "founder", "auditor"])
def test_create_api_token__the_chains_own_roles__may_not(users: Users, role: str) -> None:
    ran = run("create_api_token", role, "--role", "Founder", "--as", role)
    assert (ran.code, ran.err.endswith("(not_permitted)\n")) == (1, True)


def test_create_api_token__user_who_manages_users__may(users: Users) -> None:
    users.outsider.user_permissions.add(Permission.objects.get(codename="change_account"))
    ran = run("create_api_token", "viewer", "--role", "Viewer", "--as", "outsider")
    assert ran.code == 0
