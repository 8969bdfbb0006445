"""The accounts of the authorities themselves: nobody logs in with one, and none can be changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from governance.domain.errors import InvalidInputError, MachineAccountError
from governance.domain.roles import MACHINE_PERMISSIONS, MachineAccount, Role
from governance.models import Account
from governance.services.access.accounts import assign_role, open_account
from governance.services.access.tokens import issue_token
from tests.support.attacks import insert_row, run_sql, update_row, violates_constraint
from tests.support.factories import now
from tests.support.users import Users

ACCOUNT = "governance_account"


def account_of(machine: MachineAccount) -> Account:
    return Account.objects.get(machine=machine)


@pytest.fixture(params=MachineAccount, ids=str)
def machine(request: pytest.FixtureRequest, users: Users) -> Account:
    return account_of(request.param)


def test_migration__of_an_empty_database__makes_every_machine_account(users: Users) -> None:
    made = Account.objects.exclude(machine=None)
    assert {one.username for one in made} == {str(name) for name in MachineAccount}
    assert {one.machine for one in made} == {str(name) for name in MachineAccount}


def test_machine_account__as_made__cannot_log_in(machine: Account) -> None:
    assert machine.is_active
    assert not machine.has_usable_password()
    assert not machine.is_staff
    assert not machine.is_superuser
    assert not Client().login(username=machine.username, password="")


@pytest.mark.parametrize("role", Role)
def test_machine_account__asked_for_a_role__has_none(machine: Account, role: Role) -> None:
    assert not machine.has_role(role)
    [(has_role,)] = run_sql("SELECT governance_has_role(%s, %s)", machine.pk, str(role))
    assert has_role is False


def test_machine_account__asked_for_permissions__has_its_own_and_no_other(machine: Account) -> None:
    every = Permission.objects.select_related("content_type")
    names = {f"{one.content_type.app_label}.{one.codename}" for one in every}
    allowed = {f"governance.{one}" for one in MACHINE_PERMISSIONS[machine.machine]}
    assert allowed <= names
    assert {name for name in names if machine.has_perm(name)} == allowed


@pytest.mark.parametrize(
    "columns",
    [
        {"password": "known"},
        {"is_active": False},
        {"is_staff": True},
        {"is_superuser": True},
        {"username": "somebody"},
        {"machine": None},
    ],
    ids=lambda columns: next(iter(columns)),
)
def test_sql_update__machine_account__refused(machine: Account, columns: dict[str, Any]) -> None:
    with violates_constraint("machine_account_closed"):
        update_row(ACCOUNT, machine.pk, **columns)


def test_sql_update__person_made_a_machine_account__refused(users: Users) -> None:
    with violates_constraint("machine_account_closed"):
        update_row(ACCOUNT, users.viewer.pk, machine="intake")


def test_sql_insert__machine_account_by_the_application__refused(users: Users) -> None:
    with pytest.raises(DatabaseError, match="Only a migration makes"), transaction.atomic():
        Account.objects.create(username="intake-2", machine="intake", password="!")


def test_sql_insert__second_account_of_an_authority__refused(machine: Account) -> None:
    with violates_constraint("governance_account_machine_key"):
        Account.objects.create(username="another", machine=machine.machine, password="!")


def test_sql_insert__machine_account_into_a_group__refused(machine: Account) -> None:
    group = Group.objects.get(name=str(Role.FOUNDER))
    with violates_constraint("machine_account_closed"):
        insert_row("governance_account_groups", account_id=machine.pk, group_id=group.pk)


def test_sql_update__membership_given_to_a_machine_account__refused(machine: Account) -> None:
    with violates_constraint("machine_account_closed"):
        run_sql("UPDATE governance_account_groups SET account_id = %s", machine.pk)


def test_sql_insert__permission_of_a_machine_account__refused(machine: Account) -> None:
    permission = Permission.objects.get(codename="import_contract")
    with violates_constraint("machine_account_closed"):
        insert_row(
            "governance_account_user_permissions",
            account_id=machine.pk,
            permission_id=permission.pk,
        )


def test_sql_insert__token_of_a_machine_account__refused(machine: Account, users: Users) -> None:
    with violates_constraint("machine_account_closed"):
        insert_row(
            "governance_apitoken",
            id="00000000-0000-7000-8000-000000000001",
            digest="0" * 128,
            token_key="0" * 15,
            user_id=machine.pk,
            created=now(),
            name="",
            issued_by_id=users.operator.pk,
            revoked_reason="",
        )


def test_token__asked_for_a_machine_account__refused(machine: Account, users: Users) -> None:
    with pytest.raises(MachineAccountError):
        issue_token(
            username=machine.username, role=None, days=1, create=False, actor=users.operator
        )


def test_role__given_to_a_machine_account__refused(machine: Account) -> None:
    with pytest.raises(MachineAccountError):
        assign_role(machine, Role.EXECUTOR)


def test_account__named_like_a_machine_account__refused(machine: Account) -> None:
    with pytest.raises(InvalidInputError):
        open_account(username=machine.username.upper(), role=None)


def test_page__of_a_machine_account__shows_it_and_takes_no_change(machine: Account) -> None:
    root = Account.objects.create(username="root", is_staff=True, is_superuser=True)
    browser = Client()
    browser.force_login(root)
    address = reverse("admin:governance_account_change", args=[machine.pk])
    page = browser.get(address, secure=True)
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert browser.post(address, {"username": "somebody"}, secure=True).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[machine.pk])
    assert browser.get(password, secure=True).status_code == 403
