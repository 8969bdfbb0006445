"""The site as it runs in earnest: gunicorn's processes on a test's own database."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, Any

import httpx

from govsite.serving import Site
from tests.support.clients import require_conforming
from tests.support.commands import ROOT, this_database
from tests.support.tokens import new_token


@contextmanager
def running_site(environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of a site on the database that Django is pointed at now."""
    site = Site(host="127.0.0.1", port=free_port())
    settings = {
        "DATABASE_URL": this_database(),
        "GOVSITE_HTTPS": "0",
        # A test is no client that takes too much.
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
    """What a process said, for the story of its failure."""
    log.seek(0)
    return log.read().decode(errors="replace")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def client_of(address: str, person: Any, **options: Any) -> httpx.Client:
    """A client of the API with a token of the person; addresses are relative to /api/v1/.

    Every answer is held against the schema.
    """
    return httpx.Client(
        base_url=f"{address}/api/v1/",
        headers={"Authorization": f"Bearer {new_token(person)}"},
        event_hooks={"response": [require_conforming]},
        **({"timeout": 60} | options),
    )
