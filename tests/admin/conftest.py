"""What the admin's tests share: browsers of the cast, and a record of everything there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from governance import models
from governance.models import Account
from tests.support.users import Users

Browser = Callable[[Account], Client]


@pytest.fixture(autouse=True)
def plain_http(settings: Any) -> None:
    """The test client speaks HTTP; the site itself would send it to HTTPS."""
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def signed_in() -> Browser:
    """A browser in which somebody has signed in."""

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
    return Account.objects.create_superuser("root")


@pytest.fixture
def everything() -> Callable[[], dict[str, list[Any]]]:
    """Every row of every table of the chain, to see that nothing changed.

    But of accounts: who signs in is noted there.
    """

    def rows() -> dict[str, list[Any]]:
        return {
            name: list(getattr(models, name).objects.order_by("pk").values())
            for name in models.__all__
            if name != "Account"
        }

    return rows
