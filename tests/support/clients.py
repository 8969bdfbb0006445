"""Clients of the API that hold every answer against the schema (`conformance.py`)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import httpx
from django.test import Client
from rest_framework.test import APIClient

from tests.support.conformance import require_conformance


class Conforming:
    """Mixed into a test client: an answer that the schema does not promise fails the test."""

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
    """REST framework's client."""


class PlainClient(Conforming, Client):
    """Django's own."""


def require_conforming(answer: httpx.Response) -> None:
    """For httpx: `event_hooks={"response": [require_conforming]}`."""
    streams = answer.headers.get("Content-Type", "").startswith("text/event-stream")
    require_conformance(
        method=answer.request.method,
        path=unquote(answer.request.url.path),
        status=answer.status_code,
        headers=answer.headers,
        body=None if streams else answer.read(),
        sent=answer.request.content,
    )
