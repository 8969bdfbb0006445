"""The site as in production, and clients that need as little time as possible."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psutil

from tests.benchmarks.database import ROOT
from tests.support.site_server import Site
from tests.support.sites import free_port, output_of


@contextmanager
def website(*, workers: int | None = None) -> Iterator[str]:
    """Run gunicorn as `run_dev` does, on the benchmark's database, and return its address.

    Args:
        workers: The number of worker processes, instead of the number in its settings.
    """
    environment = dict(os.environ) | {"GOVSITE_HTTPS": "0"}
    environment.pop("GOVSITE_OWNER_DATABASE_URL")
    if workers:
        environment["GUNICORN_CMD_ARGS"] = f"--workers={workers}"
    site = Site(host="127.0.0.1", port=free_port())
    with TemporaryFile() as log:
        site.start(environment, folder=ROOT, log=log)
        try:
            if not site.wait_until_listening():
                raise RuntimeError(f"The site did not start: {output_of(log)}")
            yield site.address
        finally:
            site.stop()


def web_workers() -> list[psutil.Process]:
    """Return gunicorn's worker processes; only one site may run."""
    [master] = [
        child for child in psutil.Process().children() if "gunicorn" in " ".join(child.cmdline())
    ]
    workers: list[psutil.Process] = master.children()
    return workers


class Caller:
    """A client with one kept connection and one token."""

    def __init__(self, address: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def get(self, path: str, *, expect: int = 200) -> Any:
        return self._call("GET", path, None, {}, expect)

    def post(self, path: str, *, expect: int = 201, keyed: bool = False) -> Any:
        key = {"Idempotency-Key": str(uuid4())} if keyed else {}
        return self._call("POST", path, b"{}", {"Content-Type": "application/json"} | key, expect)

    def _call(
        self, method: str, path: str, body: bytes | None, more: Mapping[str, str], expect: int
    ) -> Any:
        """Send a request and return the body of the response.

        Raises:
            RuntimeError: The status is not the expected one.
        """
        try:
            answer = self._send(method, path, body, more)
        except (http.client.RemoteDisconnected, ConnectionError):
            # gunicorn closes a connection that was idle for some seconds, as between two rounds.
            self._connection.close()
            answer = self._send(method, path, body, more)
        content = answer.read()
        if answer.status != expect:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content

    def _send(
        self, method: str, path: str, body: bytes | None, more: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        self._connection.request(method, f"/api/v1/{path}", body, {**self._headers, **more})
        return self._connection.getresponse()


def first_of(page: bytes) -> str:
    """Return the id of the first row of a page."""
    return str(json.loads(page)["results"][0]["id"])
