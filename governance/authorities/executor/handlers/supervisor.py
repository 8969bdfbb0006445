"""The process between a worker and a program: it runs the program, and ends all that it started.

`command.py` runs this file with Python alone, so it imports nothing of govsite. Its argument is the
JSON of an order: `argv`, `environment` (the names of variables), `directory`, `max_processes`,
`user` (uid, gid and groups, or null) and `control`, a file descriptor. The worker holds the other
end of `control` open. When that end closes, because the step's time is over or because the worker
died, the program is killed.

Linux gives the descendants of the program to this process when their parent ends, also those that
left the program's session. So all of them can be found and killed when the program ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from contextlib import suppress
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CANNOT_START = 127
REAP_MILLISECONDS = 50
KILL_SECONDS = 10.0


def main() -> int:
    """Run the program to its end, kill what it leaves behind, and return its exit code."""
    order = json.loads(sys.argv[1])
    control: int = order["control"]
    os.set_inheritable(control, False)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    program = os.fork()
    if program == 0:
        _become_program(order)
    # Only the program and its children hold these, so that the worker sees when they have ended.
    os.close(1)
    os.close(2)
    _wait_for(program, control)
    status = _kill_all(program)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code  # as a shell reports a signal


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl failed")


def _become_program(order: dict[str, Any]) -> NoReturn:
    """Replace this process by the program, in a session of its own and within its limits."""
    argv: list[str] = order["argv"]
    named = {name: os.environ[name] for name in order["environment"] if name in os.environ}
    try:
        os.setsid()
        os.chdir(order["directory"])
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NPROC, (order["max_processes"],) * 2)
        if order["user"]:
            uid, gid, groups = order["user"]
            os.setgroups(groups)
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
        # After the change of user, which would clear it.
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.execve(argv[0], argv, named)  # noqa: S606 - the routes file names the program
    except OSError as error:
        os.write(2, f"{argv[0]} cannot be started: {error.strerror}".encode())
    finally:
        os._exit(CANNOT_START)


def _wait_for(program: int, control: int) -> None:
    """Wait until the program has ended, or until the worker has let go of it."""
    waiting = select.poll()
    waiting.register(control, select.POLLIN)
    waiting.register(os.pidfd_open(program), select.POLLIN)
    while not waiting.poll(REAP_MILLISECONDS):
        _reap_all_but(program)


def _reap_all_but(program: int) -> None:
    """Collect the ended children; the program itself is kept, so that its number stays taken."""
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while (ended := os.waitid(os.P_ALL, 0, flags)) and ended.si_pid != program:
        os.waitpid(ended.si_pid, os.WNOHANG)


def _kill_all(program: int) -> int:
    """Kill the program and all its descendants, and return the status of the program."""
    # A group is signalled at once, so that none of its processes can start another one meanwhile.
    _kill(-program)
    ends_at = time.monotonic() + KILL_SECONDS
    while time.monotonic() < ends_at and (left := _descendants() - {program}):
        for pid in left:
            _kill(pid)
            with suppress(ChildProcessError):  # a grandchild, whose parent has not ended yet
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.002)
    return os.waitpid(program, 0)[1]


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _descendants() -> set[int]:
    """Return the processes below this one, by the system's table of processes."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                # The name of a program stands in brackets, and may have spaces and brackets.
                parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


if __name__ == "__main__":
    os._exit(main())
