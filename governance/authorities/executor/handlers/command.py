"""The handler `command`: runs a program of this machine, with the step as JSON on its input.

The program runs without a shell, in a session of its own, with an empty environment but for the
named variables, and under a limit of processes. `supervisor.py` stands between it and the worker:
whatever the program started is killed when it ends, and when the time of the step is over.
"""

from __future__ import annotations

import json
import os
import pwd
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from governance.authorities.executor.handlers import supervisor
from governance.authorities.executor.handlers.step_documents import (
    MAX_ANSWER_BYTES,
    read_outcome,
    step_document,
    words_of,
)
from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import (
    HandlerFault,
    Step,
    StepHandler,
    StepOutcome,
    StepRefused,
)
from governance.domain.changes import CHANGE_TYPES

# The exit code by which a program says that the target refused the step.
REFUSED = 77
DEFAULT_MAX_PROCESSES = 64
POLL_SECONDS = 0.1
# How long the supervisor may take to kill all processes.
END_SECONDS = supervisor.KILL_SECONDS + 5
READ_BYTES = 64 * 1024


@dataclass
class _Output:
    """What a program wrote, and why it was killed, if it was."""

    answer: bytearray
    errors: bytearray
    killed_because: str = ""


class CommandHandler:
    """A handler that runs the program of its route for each step."""

    step_types = CHANGE_TYPES

    def __init__(self, order: Mapping[str, Any]) -> None:
        self._order = order

    def run_step(self, step: Step) -> StepOutcome:
        """Run the program, and read what it did.

        Raises:
            StepRefused: the program ended with the exit code of a refusal.
            HandlerFault: it ended with another code than 0, wrote too much or what cannot be read,
                or did not end in time.
        """
        control, held = os.pipe()
        with _input_of(step) as given, os.fdopen(held, "wb") as hold:
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
                output = _read_output(process, step)
                _wait_for(process, step, output)
                hold.close()
                _end(process)
        return _outcome(process.returncode, output, step, Path(self._order["argv"][0]).name)


def make_command_handler(options: OptionTable, secrets: SecretFiles) -> StepHandler:
    """Make the handler from its options, which docs/routes.md lists.

    Raises:
        InvalidRoutesError: with the path of the option that is wrong.
    """
    argv = options.texts("argv")
    if not os.path.isabs(argv[0]) or not os.access(argv[0], os.X_OK):
        raise options.error("argv[0]", "must be the whole path of a program that can be run")
    directory = options.text("directory", default="/")
    if not os.path.isabs(directory) or not os.path.isdir(directory):
        raise options.error("directory", "must be the whole path of a folder")
    return CommandHandler(
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


def _input_of(step: Step) -> IO[bytes]:
    """Return a file in memory with the step as one line of JSON, which may hold secrets."""
    file = os.fdopen(os.memfd_create("step"), "wb+")
    file.write(json.dumps(step_document(step)).encode() + b"\n")
    file.seek(0)
    return file


def _named_variables(names: tuple[str, ...]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}


def _read_output(process: subprocess.Popen[bytes], step: Step) -> _Output:
    """Read what the program writes, until it closes its outputs, writes too much, or is late."""
    output = _Output(bytearray(), bytearray())
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
            elif _is_over(step):
                output.killed_because = "It did not end in time"
    return output


def _wait_for(process: subprocess.Popen[bytes], step: Step, output: _Output) -> None:
    """Wait for a program that has closed its outputs, until the time of the step is over."""
    while process.poll() is None and not output.killed_because:
        if _is_over(step):
            output.killed_because = "It did not end in time"
        else:
            time.sleep(POLL_SECONDS / 10)


def _is_over(step: Step) -> bool:
    return step.timed_out.is_set() or step.seconds_left() <= 0


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait until the supervisor has killed the program's processes, and ended."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    if process.returncode is None:
        process.kill()


def _outcome(code: int, output: _Output, step: Step, program: str) -> StepOutcome:
    """Return the outcome that a program reported.

    Raises:
        StepRefused: for the exit code of a refusal.
        HandlerFault: for any other code than 0, and for what cannot be read.
    """
    words = words_of(bytes(output.errors or output.answer))
    wrote = f" It wrote: {words}" if words else ""
    if output.killed_because:
        raise HandlerFault(f"{program}: {output.killed_because}, and was killed.{wrote}")
    if code == REFUSED:
        raise StepRefused(words or f"{program} refused the step and gave no reason.")
    if code != 0:
        raise HandlerFault(f"{program} ended with exit code {code}.{wrote}")
    return read_outcome(bytes(output.answer), step, did=f"ran {program}")
