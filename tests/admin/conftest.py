"""Fixtures of the admin's tests: signed-in test clients, and a snapshot of all rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from governance import models
from governance.domain.roles import Role
from governance.models import Account
from governance.services.access.accounts import assign_role
from tests.support.users import Users

Browser = Callable[[Account], Client]


@pytest.fixture(autouse=True)
def plain_http(settings: Any) -> None:
    """Let the test client use HTTP, which the site would redirect to HTTPS."""
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def signed_in() -> Browser:
    """Return a function that makes a test client signed in as a person."""

    def browser(person: Account) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return browser


@pytest.fixture
def founder_browser(users: Users, signed_in: Browser) -> Client:
    return signed_in(users.founder)


@pytest.fixture
def superuser(users: Users) -> Account:
    root = Account.objects.create_superuser("root")
    for role in (Role.FOUNDER, Role.AUDITOR):
        assign_role(root, role)
    return root


@pytest.fixture
def everything() -> Callable[[], dict[str, list[Any]]]:
    """Return a function that reads every row of every model, to compare before and after.

    Accounts are left out, because signing in updates `last_login`.
    """

    def rows() -> dict[str, list[Any]]:
        return {
            name: list(getattr(models, name).objects.order_by("pk").values())
            for name in models.__all__
            if name != "Account"
        }

    return rows
