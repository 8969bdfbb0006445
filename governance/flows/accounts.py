"""Who may come in: accounts for people and services, their roles, and API tokens.

Accounts are not part of the governed record; what they did is. Deciding who has one is the work
of whoever may manage users, which none of the chain's own roles may.
"""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import transaction
from knox.models import AuthToken

from governance.vocabulary.canonical import require_plain_json
from governance.vocabulary.errors import InvalidInputError, NotFoundError, WrongPersonError
from governance.vocabulary.roles import Role

TOKEN_DAYS = range(1, 366)
DEFAULT_TOKEN_DAYS = 90


def open_account(
    *, username: str, role: Role | None, password: str | None = None, **flags: bool
) -> User:
    """A new account in the group of `role`; without a password nobody can log in as it.

    `flags` are Django's own (`is_staff`, `is_superuser`). InvalidInputError for a name that
    Django does not allow or that is taken.
    """
    account = User(username=username, **flags)
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
            give_role(account, role)
    return account


def give_role(account: User, role: Role) -> bool:
    """Put an account into a role's group; whether that is new."""
    if account.groups.filter(name=str(role)).exists():
        return False
    group = Group.objects.filter(name=str(role)).first()
    if group is None:
        raise NotFoundError(f"There is no group {role}.", code="group_not_found")
    account.groups.add(group)
    return True


def issue_token(*, username: str, role: Role, days: int, create: bool) -> tuple[AuthToken, str]:
    """A token for the API and its text, which nobody can read again; only its hash is kept.

    The account is put into the role's group. One that is missing is made when `create` says so,
    as a service account that cannot log in; else NotFoundError. WrongPersonError for an account
    that is not active.
    """
    require_plain_json(username, "username")
    with transaction.atomic():
        account = User.objects.select_for_update().filter(username=username).first()
        if account is None and not create:
            raise NotFoundError(
                f"There is no user {username!r}; --create makes a service account.",
                code="user_not_found",
            )
        if account is None:
            account = open_account(username=username, role=role)
        elif not account.is_active:
            raise WrongPersonError(f"{username} is not active.", code="user_inactive")
        else:
            give_role(account, role)
        token, text = AuthToken.objects.create(user=account, expiry=timedelta(days=days))
    return token, text
