"""The site as it runs in earnest, and clients of it that cost as little as a client can."""

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

from govsite.serving import Site
from tests.benchmarks.database import ROOT
from tests.support.sites import free_port, output_of


@contextmanager
def website(*, workers: int | None = None) -> Iterator[str]:
    """The address of gunicorn as `run_dev` serves, on the benchmark's database.

    With `workers`, that many processes instead of its own number.
    """
    environment = dict(os.environ) | {"GOVSITE_HTTPS": "0"}
    environment.pop("DATABASE_OWNER_URL")
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
    """gunicorn's worker processes, of the only site that we have started."""
    [master] = [
        child for child in psutil.Process().children() if "gunicorn" in " ".join(child.cmdline())
    ]
    workers: list[psutil.Process] = master.children()
    return workers


class Caller:
    """One connection, kept alive; every call shows the same token."""

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
        """The answer's document. RuntimeError for another status than expected."""
        try:
            answer = self._send(method, path, body, more)
        except (http.client.RemoteDisconnected, ConnectionError):
            # gunicorn hangs up on a connection that was idle for long, between two rounds.
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
    """The id of the first row of a page."""
    return str(json.loads(page)["results"][0]["id"])
