"""What a killed PostgreSQL leaves running: it has to end before another server starts."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

# How long they may take to notice by themselves, and then to obey.
MAX_EXIT_SECONDS = 3.0


def end_orphans(folder: Path) -> None:
    """End every PostgreSQL process that lives in the data folder `folder`; it has no server.

    Such a process may be in the middle of writing to files that the next server recovers.
    PostgreSQL refuses to start while it sees one; we see to it that there is none.
    """
    for number in (0, signal.SIGQUIT, signal.SIGKILL):  # 0 is no signal at all
        deadline = time.monotonic() + MAX_EXIT_SECONDS
        for process in postgres_processes_in(folder):
            with suppress(psutil.Error):
                process.send_signal(number)
        while postgres_processes_in(folder):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        else:
            return


def postgres_processes_in(folder: Path) -> list[psutil.Process]:
    """PostgreSQL's processes in `folder`; the dead that nobody collects have no folder."""
    found = []
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            if process.info["name"] == "postgres" and Path(process.cwd()) == folder:
                found.append(process)
    return found
