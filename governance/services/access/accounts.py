"""Who may come in: accounts for people and services, and their roles.

Accounts are not part of the governed record; what they did is. Deciding who has one is the work
of whoever may manage users, which none of the chain's own roles may.
"""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction

from governance.domain.errors import InvalidInputError, NotFoundError
from governance.domain.roles import Role
from governance.models import Account


def open_account(
    *, username: str, role: Role | None, password: str | None = None, **flags: bool
) -> Account:
    """A new account in the group of `role`; without a password nobody can log in as it.

    `flags` are Django's own (`is_staff`, `is_superuser`). InvalidInputError for a name that
    Django does not allow or that is taken.
    """
    account = Account(username=username, **flags)
    account.set_password(password)
    try:
        account.clean_fields(exclude=["password"])
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
    """Put an account into a role's group; whether that is new."""
    if account.groups.filter(name=str(role)).exists():
        return False
    group = Group.objects.filter(name=str(role)).first()
    if group is None:
        raise NotFoundError(f"There is no group {role}.", code="group_not_found")
    account.groups.add(group)
    return True
