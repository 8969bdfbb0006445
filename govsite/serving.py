"""Serving of the site with gunicorn, as a child process that never outlives this one."""

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

# The variable in which gunicorn_settings.py finds the pipe of this process.
LIFELINE = "GOVSITE_LIFELINE"
PATIENCE_SECONDS = 60
GRACE_SECONDS = 10
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Site:
    """A site that runs in a gunicorn process: `start` it, `wait` for it, `stop` it."""

    def __init__(self, *, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline = -1

    @property
    def address(self) -> str:
        """Return the URL of the site for a browser on this machine."""
        return f"http://{_authority(_reachable(self.host), self.port)}"

    def port_is_free(self) -> bool:
        """Tell whether a process can listen on the address."""
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
        """Start gunicorn in `folder`, the folder of the project; it listens a moment later.

        Its output goes to `log`, by default to the output of this process.
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
            # So Ctrl-C in the terminal signals only this process, which then stops gunicorn.
            start_new_session=True,
        )
        os.close(theirs)

    def wait_until_listening(self) -> bool:
        """Wait until the site answers a request; tell whether it did within 60 seconds."""
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
        """Wait up to `seconds` for the process to end; return its exit code, None if it runs."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        """Stop gunicorn: let its requests finish for some seconds, then kill it."""
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
    """Make the URL by which another process connects to the embedded server without starting it."""
    host = quote(socket_dir, safe="/")
    return f"postgresql://{settings['USER']}@/{settings['NAME']}?host={host}"


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
