"""The gunicorn settings of `run_dev`: those of every site, and the embedded PostgreSQL.

The process of gunicorn keeps the server of the embedded PostgreSQL running, and stops it when the
site ends. A server that was killed is started again by the next connection.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from govsite.embedded import EMBEDDED_DATA, READY_MESSAGE
from govsite.gunicorn_settings import *  # noqa: F403 - gunicorn reads the names of this module


def on_starting(server: Any) -> None:
    if data_dir := os.environ.get(EMBEDDED_DATA):
        from govsite.embedded.server import start_server

        start_server(Path(data_dir))


def when_ready(server: Any) -> None:
    """Say that the site listens, and stop when the terminal is closed, instead of a reload."""
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    sys.stdout.write(os.environ[READY_MESSAGE])
    sys.stdout.flush()
