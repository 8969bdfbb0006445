"""The gunicorn settings of a site: two worker processes with many threads.

gunicorn reads the names below.
"""

from __future__ import annotations

import gc
import os
from typing import Any

from govsite.environment import read_number

wsgi_app = "govsite.wsgi:application"
worker_class = "gthread"
workers = 2
# Requests have as many threads as connections (GOVSITE_DB_POOL_SIZE): while the database is
# unavailable each waits seconds for a connection, and a request without a free thread waits longer.
# An event stream keeps a thread for minutes, so each allowed stream adds a thread.
THREADS_FOR_CALLS = 8
THREADS_FOR_STREAMS = read_number("GOVSITE_MAX_STREAMS", 16, maximum=500)
threads = THREADS_FOR_CALLS + THREADS_FOR_STREAMS
timeout = 60
graceful_timeout = 5
keepalive = 5
loglevel = "warning"
proc_name = "govsite"


def post_worker_init(worker: Any) -> None:
    """Set how many event streams this worker accepts, and freeze the garbage collector's objects.

    The capacity is the number of threads that requests do not need, whatever `--threads` says.
    Without the freeze a collection of the loaded modules delays some requests by 50 ms.
    """
    from governance.api.stream_broker import STREAM_BROKER

    gc.collect()
    gc.freeze()

    spare = worker.cfg.threads - THREADS_FOR_CALLS
    STREAM_BROKER.set_capacity(
        max(0, min(THREADS_FOR_STREAMS, spare)),
        is_serving=lambda: worker.alive and os.getppid() == worker.ppid,
    )
