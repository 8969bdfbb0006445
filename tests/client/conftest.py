"""A running site for the client, on a database of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from governance.client import GovsiteClient
from tests.support.http import served_application
from tests.support.sites import new_token
from tests.support.users import Users


@dataclass(frozen=True)
class Site:
    """A running site: its URL, its users, and a factory of their clients."""

    address: str
    users: Users
    client_for: Callable[..., GovsiteClient]


@pytest.fixture(autouse=True)
def _plain_http(settings: Any) -> None:
    """Disable the HTTPS redirect, because the tests use plain HTTP on loopback."""
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def site(committed: Users) -> Iterator[Site]:
    with served_application() as address, ExitStack() as leaving:

        def client_for(person: Any, **options: Any) -> GovsiteClient:
            url = options.pop("url", address)
            client = GovsiteClient(url, new_token(person), **options)
            return leaving.enter_context(client)

        yield Site(address, committed, client_for)
