"""Accounts of a load: people with passwords, and services without."""

from __future__ import annotations

import secrets

from governance.demo.people import Login
from governance.demo.scenario import People
from governance.domain.errors import InvalidInputError
from governance.domain.roles import Role
from governance.models import Account
from governance.services.access.accounts import open_account


class UserFactory:
    """A factory of accounts, which reuses existing ones; `logins` has the people that are new."""

    def __init__(self) -> None:
        self.logins: list[Login] = []

    def people(self, *, founders: int = 1) -> People:
        """Return an operator, founders, an executor and an auditor; an admin is created too."""
        # No role of the chain may manage accounts and tokens, so a load needs an admin.
        self.person("admin", None, "manages accounts and API tokens", is_superuser=True)
        operator = self.person(
            "operator", Role.OPERATOR, "proposed the demo; imports, activates, cancels"
        )
        named = ["founder", "second-founder", *(f"founder-{n}" for n in range(3, founders + 1))]
        return People(
            operator=operator,
            founders=[
                self.person(name, Role.FOUNDER, "approves and rejects") for name in named[:founders]
            ],
            executor=self.service("first-executor", Role.EXECUTOR),
            auditor=self.service("first-auditor", Role.AUDITOR),
        )

    def person(
        self, username: str, role: Role | None, purpose: str, *, is_superuser: bool = False
    ) -> Account:
        """Find or create a person's account; a new password goes only into `logins`.

        Raises:
            InvalidInputError: the account exists without the role.
        """
        if known := _known(username, role):
            return known
        password = secrets.token_urlsafe(12)
        self.logins.append(Login(username, password, purpose))
        return open_account(
            username=username,
            role=role,
            password=password,
            is_staff=True,
            is_superuser=is_superuser,
        )

    def service(self, username: str, role: Role) -> Account:
        """Find or create a service account, which uses only API tokens.

        Raises:
            InvalidInputError: the account exists without the role.
        """
        return _known(username, role) or open_account(username=username, role=role)


def _known(username: str, role: Role | None) -> Account | None:
    """Find an account by name, and check that it has the role."""
    known = Account.objects.filter(username=username).first()
    if known and role and not known.has_role(role):
        raise InvalidInputError(f"The user {username} exists, but does not have the role {role}.")
    return known
