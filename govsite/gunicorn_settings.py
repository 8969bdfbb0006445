"""How `run_dev` has gunicorn serve: threads for waiting, two processes for two cores.

gunicorn reads the names below. `run_dev` gives it the address, and a pipe whose other end only
`run_dev` holds: when that closes, whoever held it is gone, and so are we.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
from typing import Any

from govsite.environment import read_number
from govsite.serving import LIFELINE

wsgi_app = "govsite.wsgi:application"
worker_class = "gthread"
workers = 2
# Calls find as many threads as connections (GOVSITE_DB_POOL_SIZE): while the database is away each
# waits for one for seconds, and whoever finds no thread free waits longer. A stream of events keeps
# its thread for minutes, so there is one more for each.
THREADS_FOR_CALLS = 8
THREADS_FOR_STREAMS = read_number("GOVSITE_MAX_STREAMS", 16, maximum=500)
threads = THREADS_FOR_CALLS + THREADS_FOR_STREAMS
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


def post_worker_init(worker: Any) -> None:
    """Give the streams the threads that calls can spare, however many `--threads` really gave; and
    let nobody look for garbage among what was loaded: that took a call 50 ms now and then."""
    from governance.api.stream_broker import STREAM_BROKER

    gc.collect()
    gc.freeze()

    spare = worker.cfg.threads - THREADS_FOR_CALLS
    STREAM_BROKER.set_capacity(
        max(0, min(THREADS_FOR_STREAMS, spare)),
        is_serving=lambda: worker.alive and os.getppid() == worker.ppid,
    )


def _leave_with(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)
