"""A program of this machine, run without a shell and within limits, and ended in time.

The program runs in a session of its own, with an empty environment but for the named variables, and
under a limit of processes. `supervisor.py` stands between it and this process: whatever the program
started is killed when it ends, and when its time is over.
"""

from __future__ import annotations

import json
import os
import pwd
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from governance.authorities.executor.handlers import supervisor
from governance.authorities.executor.handlers.step_documents import MAX_ANSWER_BYTES, words_of
from governance.authorities.executor.options import OptionTable

# The exit code by which a program says that it does not do what it was asked for.
REFUSED = 77
DEFAULT_MAX_PROCESSES = 64
POLL_SECONDS = 0.1
# How long the supervisor may take to kill all processes.
END_SECONDS = supervisor.KILL_SECONDS + 5
READ_BYTES = 64 * 1024

IsOver = Callable[[], bool]


@dataclass
class ProgramOutput:
    """What a program wrote, its exit code, and why it was killed, if it was."""

    answer: bytearray = field(default_factory=bytearray)
    errors: bytearray = field(default_factory=bytearray)
    killed_because: str = ""
    code: int = 0

    @property
    def words(self) -> str:
        """Return the beginning of what the program wrote about an error."""
        return words_of(bytes(self.errors or self.answer))

    def trouble(self, program: str) -> str:
        """Return in words why the program's answer does not count, or an empty text."""
        wrote = f" It wrote: {self.words}" if self.words else ""
        if self.killed_because:
            return f"{program}: {self.killed_because}, and was killed.{wrote}"
        if self.code != 0:
            return f"{program} ended with exit code {self.code}.{wrote}"
        return ""


class Program:
    """A program with its arguments, account, folder, environment and limit of processes."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        self._order = order
        self.name = Path(order["argv"][0]).name

    def run(self, document: Any, *, is_over: IsOver) -> ProgramOutput:
        """Run the program to its end, with a line of JSON on its input.

        Args:
            is_over: whether the time is over; then the program is killed.
        """
        output = ProgramOutput()
        control, held = os.pipe()
        with _input_of(document) as given, os.fdopen(held, "wb") as hold:
            order = json.dumps({**self._order, "control": control})
            try:
                process = subprocess.Popen(  # noqa: S603 - the routes file names the program
                    [sys.executable, "-I", "-S", supervisor.__file__, order],
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=_named_variables(self._order["environment"]),
                    pass_fds=(control,),
                    start_new_session=True,
                )
            finally:
                os.close(control)
            with process:
                _read_output(process, output, is_over)
                _wait_for(process, output, is_over)
                hold.close()
                _end(process)
        output.code = process.returncode
        return output


def read_program(options: OptionTable) -> Program:
    """Read the options `argv`, `user`, `environment`, `directory` and `max_processes`.

    Raises:
        InvalidRoutesError: with the path of the option that is wrong.
    """
    argv = options.texts("argv")
    if not os.path.isabs(argv[0]) or not os.access(argv[0], os.X_OK):
        raise options.error("argv[0]", "must be the whole path of a program that can be run")
    directory = options.text("directory", default="/")
    if not os.path.isabs(directory) or not os.path.isdir(directory):
        raise options.error("directory", "must be the whole path of a folder")
    return Program(
        {
            "argv": argv,
            "directory": directory,
            "environment": options.texts("environment", default=()),
            "max_processes": options.number("max_processes", DEFAULT_MAX_PROCESSES, range(1, 4097)),
            "user": _user(options),
        }
    )


def _user(options: OptionTable) -> tuple[int, int, list[int]] | None:
    """Return the ids of the account that the program runs as; None is the worker's own."""
    name = options.text("user", default="")
    if not name:
        if os.geteuid() == 0:
            raise options.error("user", "is required, because this worker runs as root")
        return None
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        raise options.error("user", f"must be an account of this machine, unlike {name}") from None
    if os.geteuid() == 0:
        groups = os.getgrouplist(name, account.pw_gid)
        return account.pw_uid, account.pw_gid, groups
    if account.pw_uid != os.geteuid():
        raise options.error("user", "must be the account of the worker, which is not root")
    return None


def _input_of(document: Any) -> IO[bytes]:
    """Return a file in memory with a document as one line of JSON, which may hold secrets."""
    file = os.fdopen(os.memfd_create("input"), "wb+")
    file.write(json.dumps(document).encode() + b"\n")
    file.seek(0)
    return file


def _named_variables(names: tuple[str, ...]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}


def _read_output(process: subprocess.Popen[bytes], output: ProgramOutput, is_over: IsOver) -> None:
    """Read what the program writes, until it closes its outputs, writes too much, or is late."""
    with selectors.DefaultSelector() as selector:
        for stream, kept in ((process.stdout, output.answer), (process.stderr, output.errors)):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, kept)
        while selector.get_map() and not output.killed_because:
            for key, _ in selector.select(POLL_SECONDS):
                chunk = os.read(key.fd, READ_BYTES)
                key.data.extend(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
            if len(output.answer) + len(output.errors) > MAX_ANSWER_BYTES:
                output.killed_because = "It wrote more than 1 MiB"
            elif is_over():
                output.killed_because = "It did not end in time"


def _wait_for(process: subprocess.Popen[bytes], output: ProgramOutput, is_over: IsOver) -> None:
    """Wait for a program that has closed its outputs, until its time is over."""
    while process.poll() is None and not output.killed_because:
        if is_over():
            output.killed_because = "It did not end in time"
        else:
            time.sleep(POLL_SECONDS / 10)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait until the supervisor has killed the program's processes, and ended."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    if process.returncode is None:
        process.kill()
