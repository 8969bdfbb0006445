"""The user accounts that all tests share."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from governance.domain.roles import Role
from governance.models import Account


@dataclass(frozen=True)
class Users:
    """One account for each role.

    `operator` proposes and activates, `founder` decides, `executor` runs jobs, `auditor` gives
    verdicts. `second_founder` and `second_auditor` do what one person may not do alone. `viewer`
    may only read. `outsider` has no role.
    """

    operator: Account
    founder: Account
    second_founder: Account
    executor: Account
    auditor: Account
    second_auditor: Account
    viewer: Account
    outsider: Account


ROLES = {
    "operator": Role.OPERATOR,
    "founder": Role.FOUNDER,
    "second_founder": Role.FOUNDER,
    "executor": Role.EXECUTOR,
    "auditor": Role.AUDITOR,
    "second_auditor": Role.AUDITOR,
    "viewer": Role.VIEWER,
    "outsider": None,
}


def username_of(name: str) -> str:
    """Return the user name of a field of `Users`, other than those of the authorities' own."""
    return f"{name}-1" if name in ("executor", "auditor") else name.replace("_", "-")


def create_users() -> Users:
    """Create the users with three statements, because nearly every test begins with this."""
    users = {
        name: Account(
            username=username_of(name),
            password=make_password(None),
            is_staff=role is not None,
        )
        for name, role in ROLES.items()
    }
    Account.objects.bulk_create(users.values())
    groups = {group.name: group for group in Group.objects.all()}
    membership = Account.groups.through
    membership.objects.bulk_create(
        membership(account=users[name], group=groups[role]) for name, role in ROLES.items() if role
    )
    return Users(**users)
