"""How `run_site` has gunicorn serve: threads for waiting, two processes for two cores.

gunicorn reads the names below. `run_site` gives it the address, and a pipe whose other end only
`run_site` holds: when that closes, whoever held it is gone, and so are we.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

LIFELINE = "GOVSITE_LIFELINE"

wsgi_app = "govsite.wsgi:application"
worker_class = "gthread"
workers = 2
# As many as connections (DB_POOL_SIZE): while the database is away each waits for one for seconds,
# and whoever finds no thread free waits longer.
threads = 8
timeout = 60
graceful_timeout = 5
keepalive = 5
loglevel = "warning"
proc_name = "govsite"


def on_starting(server: Any) -> None:
    """Leave when the one that started us does, even if it was killed."""
    handle = os.environ.pop(LIFELINE, "")
    if handle:
        threading.Thread(target=_leave_with, args=(int(handle),), daemon=True).start()


def _leave_with(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)
