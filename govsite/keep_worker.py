"""A worker that is started again when it ends by itself; the site of `run_dev` runs this program.

SIGTERM lets the worker finish what it has begun, and then ends this program too.
"""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import threading
from types import FrameType

# A worker that cannot start must not keep the machine busy.
PAUSE_SECONDS = 2.0
PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Let the kernel ask this process to stop if its parent is killed; only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def keep_worker() -> None:
    """Run a worker, and another one after it, until SIGTERM."""
    stopping = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()
        for worker in running:
            worker.terminate()

    signal.signal(signal.SIGTERM, stop)
    while not stopping.is_set():
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            stdin=subprocess.DEVNULL,
            preexec_fn=end_with_parent,
        )
        running[:] = [worker]
        if stopping.is_set():
            worker.terminate()
        code = worker.wait()
        if not stopping.is_set():
            sys.stderr.write(f"The worker ended with {code}; another one is started.\n")
            stopping.wait(PAUSE_SECONDS)


if __name__ == "__main__":
    keep_worker()
