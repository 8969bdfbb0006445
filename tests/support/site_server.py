"""A site that a test serves with gunicorn, in a child process that does not outlive the test."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

# The variable in which gunicorn_settings.py finds the read end of a pipe of this process; when this
# process ends, the pipe closes.
LIFELINE = "GOVSITE_LIFELINE"
PATIENCE_SECONDS = 60
GRACE_SECONDS = 10


class Site:
    """A site that runs in a gunicorn process: `start` it, `wait` for it, `stop` it."""

    def __init__(self, *, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline = -1

    @property
    def address(self) -> str:
        """Return the URL of the site for a browser on this machine."""
        return f"http://{self.host}:{self.port}"

    def start(
        self, environment: Mapping[str, str], *, folder: Path, log: IO[bytes] | None = None
    ) -> None:
        """Start gunicorn in `folder`, the folder of the project; it listens a moment later.

        Its output goes to `log`, by default to the output of this process.
        """
        theirs, self._lifeline = os.pipe()
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "--config=python:tests.support.gunicorn_settings",
                f"--bind={self.host}:{self.port}",
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
                client = http.client.HTTPConnection(self.host, self.port, timeout=10)
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
