"""API clients for the test users, with real tokens."""

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
    """Disable the HTTPS redirect, because the test client speaks plain HTTP."""
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def streams(settings: Any) -> Iterator[None]:
    """Allow four event streams in this process, with a short poll and heartbeat interval."""
    settings.GOVSITE_STREAMS = {"POLL_MS": 20, "HEARTBEAT_SECONDS": 0.2, "SECONDS": 60}
    STREAM_BROKER.set_capacity(4)
    yield
    STREAM_BROKER.set_capacity(0)


@pytest.fixture
def client_for() -> ClientFor:
    """Return a factory of clients that authenticate as a user, or anonymously for None.

    Keyword arguments of the factory narrow the scope of the token.
    """

    def make(person: Any, **narrowed: Any) -> ApiClient:
        # The client returns a 500 as a response instead of raising the view's exception.
        client = ApiClient(raise_request_exception=False)
        if person is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {new_token(person, **narrowed)}")
        return client

    return make
