"""The gunicorn settings of `run_dev`: those of every site, the embedded PostgreSQL, and a worker.

The process of gunicorn keeps the server of the embedded PostgreSQL running, and stops it when the
site ends. A server that was killed is started again by the next connection.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from govsite.embedded import EMBEDDED_DATA, READY_MESSAGE
from govsite.gunicorn_settings import *  # noqa: F403 - gunicorn reads the names of this module
from govsite.keep_worker import end_with_parent

WORKER_SECONDS = 20  # to finish what has begun
_workers: list[subprocess.Popen[bytes]] = []


def on_starting(server: Any) -> None:
    if data_dir := os.environ.get(EMBEDDED_DATA):
        from govsite.embedded.server import start_server

        start_server(Path(data_dir))


def when_ready(server: Any) -> None:
    """Keep a worker running, say that the site listens, and stop when the terminal is closed."""
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    _workers.append(
        subprocess.Popen(
            [sys.executable, "-m", "govsite.keep_worker"],
            stdin=subprocess.DEVNULL,
            # Ctrl-C of the terminal would be its first signal, and that of `on_exit` its second.
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
    )
    sys.stdout.write(os.environ[READY_MESSAGE])
    sys.stdout.flush()


def on_exit(server: Any) -> None:
    """Let the worker finish what it has begun."""
    for worker in _workers:
        worker.terminate()
        try:
            worker.wait(WORKER_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()
