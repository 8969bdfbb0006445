"""The processes that a killed PostgreSQL leaves, which must end before another server starts."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

# How long the processes may take to end by themselves, and then after each signal.
MAX_EXIT_SECONDS = 3.0


def end_orphans(folder: Path) -> None:
    """End every PostgreSQL process in a data folder without a running server.

    Such a process may still write to files that the next server recovers, so PostgreSQL refuses to
    start while one exists.
    """
    for number in (0, signal.SIGQUIT, signal.SIGKILL):  # 0 sends no signal
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
    """List the PostgreSQL processes whose working directory is `folder`; zombies have none."""
    found = []
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            if process.info["name"] == "postgres" and Path(process.cwd()) == folder:
                found.append(process)
    return found
