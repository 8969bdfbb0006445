"""Accounts of people and services, and their roles.

Accounts are not part of the governed record; their actions are. Only a user with Django's
permissions on accounts decides who has one, and no role of the chain has these permissions.
"""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction

from governance.db.rows import Columns, fetch_rows
from governance.domain.errors import GroupNotFoundError, InvalidInputError, MachineAccountError
from governance.domain.roles import MachineAccount, Role
from governance.models import Account

_ACCOUNT = Columns(Account, "account")
_MACHINE = f"SELECT {_ACCOUNT.sql} FROM governance_account account WHERE machine = %s"  # noqa: S608 - names of our own


def open_account(
    *, username: str, role: Role | None, password: str | None = None, **flags: bool
) -> Account:
    """Create an account in the group of `role`; without a password nobody can log in with it.

    Args:
        flags: Django's own: `is_staff`, `is_superuser`.

    Raises:
        InvalidInputError: Django does not allow the name, it is taken, or looks like another one.
        GroupNotFoundError: the role has no group.
    """
    account = Account(username=username, **flags)
    account.set_password(password)
    try:
        account.clean_fields(exclude=["password"])
        account.clean()
        account.validate_unique()
    except ValidationError as error:
        message = error.messages[0]
        raise InvalidInputError(
            f"username: {message}", errors=[{"path": "username", "message": message}]
        ) from None
    with transaction.atomic():
        account.save(force_insert=True)
        if role:
            assign_role(account, role)
    return account


def assign_role(account: Account, role: Role) -> bool:
    """Add an account to a role's group; return whether it was added just now.

    Raises:
        MachineAccountError: it is the account of an authority itself.
        GroupNotFoundError: the role has no group.
    """
    if account.machine is not None:
        raise MachineAccountError(f"{account} is the account of an authority itself.")
    if account.groups.filter(name=str(role)).exists():
        return False
    group = Group.objects.filter(name=str(role)).first()
    if group is None:
        raise GroupNotFoundError(f"There is no group {role}.")
    account.groups.add(group)
    account.known_groups = None
    return True


def machine_account(machine: MachineAccount) -> Account:
    """Return the account of an authority itself, which a migration has made; one query."""
    [row] = fetch_rows(_MACHINE, [machine])
    account: Account = _ACCOUNT.instance(row)
    return account


def active_members(role: Role) -> list[int]:
    """Return the ids of the active accounts in the group of a role."""
    members = Account.objects.filter(groups__name=str(role), is_active=True)
    return list(members.order_by("pk").values_list("pk", flat=True))


def is_service_account(account: Account) -> bool:
    """Return whether nobody can log in with the account, and it is no superuser."""
    return not account.has_usable_password() and not account.is_superuser
