"""Clients that speak to the API as the cast's people, with real tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from knox.models import AuthToken

from tests.support.clients import ApiClient

ClientFor = Callable[..., ApiClient]


@pytest.fixture(autouse=True)
def _plain_http(settings: Any) -> None:
    """The test client speaks plain HTTP; the redirect to HTTPS is not what is tested here."""
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def client_for() -> ClientFor:
    """A client with a token of the person given; without one for None."""

    def make(person: Any, **options: Any) -> ApiClient:
        # A 500 shall arrive as one, not as the exception behind it.
        client = ApiClient(raise_request_exception=False, **options)
        if person is not None:
            _, token = AuthToken.objects.create(person)
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return client

    return make
