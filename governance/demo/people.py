"""Accounts of the demo: people with passwords, and services without."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from governance.demo.scenario import People
from governance.domain.roles import Role
from governance.models import Account
from governance.services.access.accounts import open_account


@dataclass(frozen=True, slots=True)
class Login:
    """A person of the demo, with the password, which is stored only as a hash."""

    username: str
    password: str
    purpose: str


def create_people() -> tuple[People, list[Login]]:
    """Create the accounts that the demo needs; return them, and the logins of the people.

    An admin is among the logins, because no role of the chain may manage accounts and tokens.
    """
    logins: list[Login] = []

    def person(username: str, role: Role | None, purpose: str, **options: Any) -> Account:
        password = secrets.token_urlsafe(12)
        logins.append(Login(username, password, purpose))
        return open_account(
            username=username, role=role, password=password, is_staff=True, **options
        )

    person("admin", None, "manages accounts and API tokens", is_superuser=True)
    people = People(
        operator=person(
            "operator", Role.OPERATOR, "proposed the demo; imports, activates, cancels"
        ),
        founders=[person("founder", Role.FOUNDER, "approves and rejects")],
        executor=open_account(username="executor-1", role=Role.EXECUTOR),
        auditor=open_account(username="auditor-1", role=Role.AUDITOR),
    )
    return people, logins
