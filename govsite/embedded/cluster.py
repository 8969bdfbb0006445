"""One PostgreSQL data folder: its creation, and the start and stop of its server.

Nothing here may run in two processes at once; `server.py` has the lock.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shlex
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
from django.core.exceptions import ImproperlyConfigured

from govsite.embedded import OWNER
from govsite.embedded.orphans import end_orphans
from govsite.embedded.programs import (
    ProgramFailed,
    let_through,
    let_use_programs,
    run_program,
    system_user,
)

logger = logging.getLogger(__name__)

PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"
# The kernel limits the path of a unix socket to 107 bytes on Linux and 103 on macOS.
MAX_SOCKET_PATH = 103
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
        self._owner = system_user() if os.geteuid() == 0 else None

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
            let_through(draft)
            let_use_programs()
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
            if (pid_file := self.path / "postmaster.pid").exists():
                logger.warning("The embedded PostgreSQL was killed; it is being started again.")
                pid_file.unlink()
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
        try:
            run_program(command, *arguments, user=self._owner)
        except ProgramFailed as failure:
            raise ImproperlyConfigured(self._failure(str(failure))) from None

    def _failure(self, what: str) -> str:
        log = self.path / "log"
        last = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
        return "\n".join([f"The embedded PostgreSQL in {self.path} does not start: {what}", *last])
