"""Test clients of the API that check every response against the schema (`conformance.py`)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import httpx
from django.test import Client
from rest_framework.test import APIClient

from tests.support.conformance import require_conformance


class Conforming:
    """A mixin for test clients that fails the test if a response does not conform to the schema."""

    def generic(self, method: str, path: str, data: Any = "", *args: Any, **extra: Any) -> Any:
        answer = super().generic(method, path, data, *args, **extra)  # type: ignore[misc]
        require_conformance(
            method=method,
            path=answer.request["PATH_INFO"],
            status=answer.status_code,
            headers=answer.headers,
            body=None if answer.streaming else answer.content,
            sent=data if isinstance(data, bytes) else data.encode(),
        )
        return answer


class ApiClient(Conforming, APIClient):
    """The test client of Django REST framework, with the check."""


class PlainClient(Conforming, Client):
    """Django's test client, with the check."""


def require_conforming(answer: httpx.Response) -> None:
    """Check a response of httpx; use as `event_hooks={"response": [require_conforming]}`."""
    streams = answer.headers.get("Content-Type", "").startswith("text/event-stream")
    require_conformance(
        method=answer.request.method,
        path=unquote(answer.request.url.path),
        status=answer.status_code,
        headers=answer.headers,
        body=None if streams else answer.read(),
        sent=answer.request.content,
    )
