"""The gunicorn settings of a site in a test: those of every site, and an end with the test."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from govsite.gunicorn_settings import *  # noqa: F403 - gunicorn reads the names of this module
from tests.support.site_server import LIFELINE


def on_starting(server: Any) -> None:
    """Stop when the process that started gunicorn ends, even if it was killed."""
    threading.Thread(target=_leave_with, args=[int(os.environ[LIFELINE])], daemon=True).start()


def _leave_with(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)
