"""The site as `make run` starts it, with its own data, and connections to its PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

from django.db import connections

from govsite.embedded import APP_ROLE, OWNER
from tests.support.commands import ROOT
from tests.support.sites import free_port, output_of

PATIENCE_SECONDS = 90


@dataclass(frozen=True)
class SiteProcess:
    """A running `run_dev`: its address, the folder of its PostgreSQL, and its output."""

    address: str
    database: Path
    log: IO[bytes]

    @property
    def postmaster(self) -> int:
        """The process id of its PostgreSQL, read from `postmaster.pid`."""
        return int((self.database / "postmaster.pid").read_text().splitlines()[0])

    def output(self) -> str:
        return output_of(self.log)


@contextmanager
def running_site_process(*, with_demo: bool = False) -> Iterator[SiteProcess]:
    """Run `manage.py run_dev` with its data in a temporary folder, by default without the demo."""
    demo = [] if with_demo else ["--no-demo"]
    # In /tmp, because the path of a Unix socket must be short.
    with TemporaryDirectory(dir="/tmp", prefix="gs") as folder, TemporaryFile() as log:
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run_dev", *demo, "--port", str(port)],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
            | {"GOVSITE_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "govsite.settings"}
            | {"GOVSITE_AUDITOR": "inside"}
            # Without rate limits, which the tests would exceed.
            | {"GOVSITE_API_READS_PER_MINUTE": "0", "GOVSITE_API_WRITES_PER_MINUTE": "0"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while "Ctrl-C" not in output_of(log):
                assert process.poll() is None, output_of(log)
                assert time.monotonic() < deadline, output_of(log)
                time.sleep(0.1)
            yield SiteProcess(f"http://127.0.0.1:{port}", Path(folder) / "pg", log)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE_SECONDS)


@contextmanager
def connected_to(socket_dir: Path, name: str = "govsite") -> Iterator[None]:
    """Point Django's connections, in every thread, at the server with that socket.

    The connections log in as the application's role and as the owner, as the site's own do. This
    process does not restart the server if it ends.
    """
    users = {"default": APP_ROLE, "owner": OWNER}
    usual = {alias: connections.settings[alias] for alias in users}
    opened = {alias: connections[alias] for alias in users}
    connections.close_all()
    for alias, user in users.items():
        options = {
            option: value
            for option, value in usual[alias]["OPTIONS"].items()
            if option not in {"pool", "assume_role"}
        }
        connections.settings[alias] = usual[alias] | {
            "ENGINE": "govsite.postgresql",
            "HOST": str(socket_dir),
            "PORT": "5432",
            "USER": user,
            "NAME": name,
            "OPTIONS": options,
        }
        del connections[alias]
    try:
        yield
    finally:
        connections.close_all()
        for alias in users:
            connections.settings[alias] = usual[alias]
            connections[alias] = opened[alias]
