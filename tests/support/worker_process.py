"""Worker processes on the database of a test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from tests.support.commands import ROOT, this_database
from tests.support.sites import output_of

MAX_WAIT_SECONDS = 30.0


class WorkerProcess:
    """A process of `manage.py worker`, and its log."""

    def __init__(self, routes: Path, *arguments: str, **environment: str) -> None:
        self.log: Any = TemporaryFile()  # noqa: SIM115 - closed with the process
        settings = {
            "DATABASE_URL": environment.get("DATABASE_URL") or this_database(),
            "DJANGO_SETTINGS_MODULE": "govsite.settings",
            "GOVSITE_EXECUTION_FILE": str(routes),
        }
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "worker", *arguments],
            cwd=ROOT,
            env=os.environ | settings | environment,
            stdout=self.log,
            stderr=self.log,
        )

    @property
    def output(self) -> str:
        return output_of(self.log)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for the end of the process, and return its exit code."""
        return self.process.wait(timeout=MAX_WAIT_SECONDS)

    def leave(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=MAX_WAIT_SECONDS)
        self.log.close()


@contextmanager
def working(routes: Path, *arguments: str, **environment: str) -> Iterator[WorkerProcess]:
    """Run a worker while the block runs, and wait until it listens."""
    worker = WorkerProcess(routes, *arguments, **environment)
    try:
        eventually(lambda: "worker: started" in worker.output, worker)
        yield worker
    finally:
        worker.leave()


def eventually(
    condition: Callable[[], Any], *workers: WorkerProcess, within: float = MAX_WAIT_SECONDS
) -> None:
    """Wait until a condition holds; fail with the logs of the workers if it does not."""
    give_up_at = time.monotonic() + within
    while not condition():
        assert time.monotonic() < give_up_at, "\n---\n".join(one.output for one in workers)
        time.sleep(0.05)
