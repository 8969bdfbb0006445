"""Serve the site with gunicorn, as a child that never outlives us."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.parse import quote

# Where the settings that gunicorn runs with find the pipe that we hold: gunicorn_settings.py.
LIFELINE = "GOVSITE_LIFELINE"
PATIENCE_SECONDS = 60
GRACE_SECONDS = 10
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Site:
    """The running site; `start` it, `wait` for it, `stop` it."""

    def __init__(self, *, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline = -1

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it."""
        return f"http://{_authority(_reachable(self.host), self.port)}"

    def port_is_free(self) -> bool:
        """Whether we could listen there."""
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
            with socket.socket(found[0], found[1]) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(found[4])
        except OSError:
            return False
        return True

    def start(
        self, environment: Mapping[str, str], *, folder: Path, log: IO[bytes] | None = None
    ) -> None:
        """Start it in `folder`, where the project is; it may take a moment to listen.

        What it says goes to `log`, or where our own words go.
        """
        theirs, self._lifeline = os.pipe()
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
            [
                sys.executable,
                "-m",
                "gunicorn",
                "--config=python:govsite.gunicorn_settings",
                f"--bind={_authority(self.host, self.port)}",
            ],
            env={**environment, LIFELINE: str(theirs)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[theirs],
            # Ctrl-C on the terminal is for us alone; we stop it in good order.
            start_new_session=True,
        )
        os.close(theirs)

    def wait_until_listening(self) -> bool:
        """Whether it answers a request, however long that takes within reason."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and self._is_alive():
            with suppress(OSError, http.client.HTTPException):
                client = http.client.HTTPConnection(_reachable(self.host), self.port, timeout=10)
                client.request("HEAD", "/")
                client.getresponse()
                return True
            time.sleep(0.1)
        return False

    def wait(self, seconds: float) -> int | None:
        """Wait until it ends of itself, but no longer than that; its exit code, None if it runs."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        """Let it finish what it does, but not for long."""
        if self._process is None:
            return
        if self._is_alive():
            self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._lifeline)
        self._process = None

    def _is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None


def database_url(settings: Mapping[str, object], socket_dir: str) -> str:
    """How a process that does not keep the embedded server itself connects to it."""
    host = quote(socket_dir, safe="/")
    return f"postgresql://{settings['USER']}@/{settings['NAME']}?host={host}"


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
