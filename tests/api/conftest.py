"""Clients that speak to the API as the cast's people, with real tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from governance.api.stream_broker import STREAM_BROKER
from tests.support.clients import ApiClient
from tests.support.tokens import new_token

ClientFor = Callable[..., ApiClient]


@pytest.fixture(autouse=True)
def _plain_http(settings: Any) -> None:
    """The test client speaks plain HTTP; the redirect to HTTPS is not what is tested here."""
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def streams(settings: Any) -> Iterator[None]:
    """Four places for streams of events in this process, and little patience in them."""
    settings.GOVSITE_STREAMS = {"POLL_MS": 20, "HEARTBEAT_SECONDS": 0.2, "SECONDS": 60}
    STREAM_BROKER.set_capacity(4)
    yield
    STREAM_BROKER.set_capacity(0)


@pytest.fixture
def client_for() -> ClientFor:
    """A client with a token of the person given, narrowed if so; without one for None."""

    def make(person: Any, **narrowed: Any) -> ApiClient:
        # A 500 shall arrive as one, not as the exception behind it.
        client = ApiClient(raise_request_exception=False)
        if person is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {new_token(person, **narrowed)}")
        return client

    return make
