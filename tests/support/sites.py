"""The site as in production: gunicorn's processes, on the database of a test."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, Any

import httpx

from tests.support.clients import require_conforming
from tests.support.commands import ROOT, this_database
from tests.support.site_server import Site
from tests.support.tokens import new_token


@contextmanager
def running_site(environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a site on the database that Django uses now, and return its address."""
    site = Site(host="127.0.0.1", port=free_port())
    settings = {
        "DATABASE_URL": this_database(),
        "GOVSITE_HTTPS": "0",
        # Without rate limits, which the tests would exceed.
        "GOVSITE_API_READS_PER_MINUTE": "0",
        "GOVSITE_API_WRITES_PER_MINUTE": "0",
        "DJANGO_SETTINGS_MODULE": "govsite.settings",
    }
    with TemporaryFile() as log:
        site.start(os.environ | settings | dict(environment or {}), folder=ROOT, log=log)
        try:
            assert site.wait_until_listening(), output_of(log)
            yield site.address
        finally:
            site.stop()


def output_of(log: IO[bytes]) -> str:
    """Return the output of a process, for the message of a failed assertion."""
    log.seek(0)
    return log.read().decode(errors="replace")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def client_of(address: str, person: Any, **options: Any) -> httpx.Client:
    """Return a client of the API with a token of the person; URLs are relative to /api/v1/.

    Every response is checked against the schema.
    """
    return httpx.Client(
        base_url=f"{address}/api/v1/",
        headers={"Authorization": f"Bearer {new_token(person)}"},
        event_hooks={"response": [require_conforming]},
        **({"timeout": 60} | options),
    )
