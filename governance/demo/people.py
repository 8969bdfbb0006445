"""Who plays in the demo: accounts for people, with passwords, and for services, without."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from governance.demo.scenario import People
from governance.domain.errors import WrongStateError
from governance.domain.roles import Role
from governance.models import Account
from governance.services.access.accounts import open_account

# What each must be able to do in what is told.
_NEEDS = {
    Role.OPERATOR: "governance.import_contract",
    Role.FOUNDER: "governance.review_contract",
    Role.EXECUTOR: "governance.execute_job",
    Role.AUDITOR: "governance.record_verdict",
}


@dataclass(frozen=True, slots=True)
class Login:
    """A person of the demo, and the password that nobody can read again."""

    username: str
    password: str
    purpose: str


class UserFactory:
    """Finds people by their names, or opens an account; `logins` are those of new people."""

    def __init__(self) -> None:
        self.logins: list[Login] = []

    def people(self, *, founders: int = 1) -> People:
        """The cast: an admin beside them, an operator, founders, an executor and an auditor."""
        # Somebody has to hand out accounts and tokens, and the chain's own roles may not.
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
            executor=self.service("executor", Role.EXECUTOR),
            auditor=self.service("auditor", Role.AUDITOR),
        )

    def person(
        self, username: str, role: Role | None, purpose: str, *, is_superuser: bool = False
    ) -> Account:
        """Who can log in; a new one with a password, which is kept in `logins` alone."""
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
        """Who works by tokens alone."""
        return _known(username, role) or open_account(username=username, role=role)


def _known(username: str, role: Role | None) -> Account | None:
    """Who has that name already; WrongStateError (`somebody_else`) if they cannot play the part."""
    known = Account.objects.filter(username=username).first()
    if known and role and not (known.is_active and known.has_perm(_NEEDS[role])):
        raise WrongStateError(f"There is a user {username} who is no {role}.", code="somebody_else")
    return known
