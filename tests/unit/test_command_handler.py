"""The handler `command`: what a program gets, what it may not do, and that it ends in time.

The programs are small and end by themselves within seconds, whatever the handler does.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from governance.authorities.executor.handlers.command import make_command_handler
from governance.authorities.executor.performing import Performance
from governance.authorities.executor.steps import StepHandler
from governance.domain.errors import InvalidRoutesError
from tests.support.steps import UPDATE, handler_from, performed, step_for, write_secret

ROOT = Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0
# A worker that is root runs programs as another user; any other runs them as itself, and the limit
# then counts all processes of whoever runs the tests.
USER: dict[str, Any] = {"user": "nobody"} if IS_ROOT else {"max_processes": 4096}
DONE = '{"state_before": 20, "state_after": 50}'
# The beginning of a program that acts as a worker in a process of its own.
WORKER = "from tests.unit.test_command_handler import *\n"
ECHO_DONE = f"echo '{DONE}'"


def command(*argv: str, secrets: Path | None = None, **options: Any) -> StepHandler:
    return handler_from(make_command_handler, secrets, argv=list(argv), **(USER | options))


def run_script(
    script: str, *, seconds: float = 20, change: dict[str, Any] | None = None, **options: Any
) -> Performance:
    handler = command("/bin/sh", "-c", script, **options)
    return performed(handler, step_for(change, seconds=seconds))


def runs(mark: str) -> bool:
    """Return whether a process has this text among its arguments."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = process.read_bytes().split(b"\0")
        except OSError:
            continue
        if mark.encode() in arguments:
            return True
    return False


def becomes(condition: Callable[[], bool], *, seconds: float = 5) -> bool:
    ends_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends_at:
            return False
        time.sleep(0.02)
    return True


# --- what a program gets, and what it reports ---
def test_program__gets_the_step_on_its_input(tmp_path: Path) -> None:
    program = 'read -r step && printf \'{"state_before": %s, "state_after": 1}\' "$step"'
    report = run_script(program).report
    assert report.status == "COMPLETED", report.error
    assert report.output["state_before"]["change"] == UPDATE
    assert report.output["did"] == "ran sh"


def test_program__that_does_not_read_its_input__is_no_worse_off() -> None:
    large = UPDATE | {"new_value": "x" * 500_000}
    assert run_script(ECHO_DONE, change=large).report.status == "COMPLETED"


def test_arguments__with_words_of_a_shell__stay_as_they_are() -> None:
    answer = '{"state_before": "$HOME; `id`", "state_after": null}'
    report = performed(command("/bin/echo", answer), step_for()).report
    assert report.output["state_before"] == "$HOME; `id`"


def test_environment__but_for_the_named_variables__is_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOVSITE_TEST_NAMED", "seen")
    monkeypatch.setenv("GOVSITE_TEST_OTHER", "unseen")
    handler = command("/usr/bin/env", environment=["GOVSITE_TEST_NAMED", "GOVSITE_TEST_ABSENT"])
    report = performed(handler, step_for()).report
    assert "This is not JSON" in report.error
    named = performed(command("/bin/sh", "-c", "/usr/bin/env; exit 77"), step_for()).report.error
    assert "unseen" not in named
    assert "SECRET_KEY" not in named
    shown = run_script("/usr/bin/env; exit 77", environment=["GOVSITE_TEST_NAMED"]).report.error
    # The shell itself adds its folder.
    assert set(shown.split()) <= {"GOVSITE_TEST_NAMED=seen", "PWD=/", "_=/usr/bin/env"}
    assert "GOVSITE_TEST_NAMED=seen" in shown


def test_secret_in_a_change__is_on_the_input_only_and_never_reported(tmp_path: Path) -> None:
    write_secret(tmp_path, "db", "s3cret-value")
    change = UPDATE | {"key": "password", "old_value": None, "new_value": "secret://db"}
    script = 'read -r step; echo "$step" >&2; cat /proc/$PPID/cmdline >&2; exit 77'
    report = run_script(script, change=change, secrets=tmp_path).report
    assert "secret://db" in report.error
    assert "s3cret" not in report.error


def test_program__with_the_exit_code_of_a_refusal__refuses_the_step_with_its_words() -> None:
    performance = run_script("echo 'The limit is locked.' >&2; exit 77")
    assert performance.report.error == "The limit is locked."
    assert not performance.is_fault


def test_refusal__without_words__says_so() -> None:
    assert "gave no reason" in run_script("exit 77").report.error


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo broken >&2; exit 1", "sh ended with exit code 1. It wrote: broken"),
        ("kill -9 $$", "sh ended with exit code 137"),
        ("echo fine", "The answer cannot be read. This is not JSON"),
        ("true", "The answer cannot be read"),
        ("echo '{}'", "it has no state_before"),
    ],
)
def test_program__that_fails_otherwise__is_a_fault(script: str, words: str) -> None:
    performance = run_script(script)
    assert words in performance.report.error
    assert performance.is_fault


def test_program__gone_since_the_worker_started__is_a_fault_that_says_so(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    handler = command(str(program))
    program.unlink()
    performance = performed(handler, step_for())
    assert "exit code 127" in performance.report.error
    assert "cannot be started" in performance.report.error


# --- what a program may not do ---
@pytest.mark.skipif(not IS_ROOT, reason="needs root to become another user")
def test_program_of_a_root_worker__runs_as_the_named_user_without_its_groups() -> None:
    nobody = pwd.getpwnam("nobody")
    code = WORKER + """print(run_script('echo "$(id -u) $(id -G)" >&2; exit 77').report.error)"""
    worker = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, extra_groups=[1], check=True
    )
    assert worker.stdout.decode() == f"{nobody.pw_uid} {nobody.pw_gid}\n"


@pytest.mark.skipif(not IS_ROOT, reason="needs root, whom the rule protects")
def test_program_of_a_root_worker__without_a_named_user__is_refused() -> None:
    with pytest.raises(InvalidRoutesError, match="runs as root") as refused:
        handler_from(make_command_handler, argv=["/bin/true"])
    assert refused.value.errors[0]["path"] == "route[0].options.user"


@pytest.mark.skipif(not IS_ROOT, reason="the limit counts all processes of a user")
def test_program__that_starts_many_children__is_held_by_its_limit() -> None:
    """Forty children that sleep two seconds, where ten processes are allowed."""
    script = "i=0; while [ $i -lt 40 ]; do sleep 2.40404 & i=$((i+1)); done; wait; " + ECHO_DONE
    began = time.monotonic()
    performance = run_script(script, max_processes=10)
    assert time.monotonic() - began < 2
    assert "Cannot fork" in performance.report.error
    assert becomes(lambda: not runs("2.40404"), seconds=1)
    assert run_script(script.replace("2.40404", "0.1")).report.status == "COMPLETED"


@pytest.mark.parametrize("stream", ["1", "2"])
def test_program__that_writes_100_mb__is_cut_off_and_killed(stream: str) -> None:
    began = time.monotonic()
    performance = run_script(f"head -c 100000000 /dev/zero >&{stream}; sleep 5; {ECHO_DONE}")
    assert time.monotonic() - began < 3
    assert "It wrote more than 1 MiB, and was killed" in performance.report.error
    assert performance.is_fault
    assert len(performance.report.error) < 2000


# --- that it ends, and all its children ---
@pytest.mark.parametrize(
    "script",
    [
        "sleep 8.11",
        "trap '' TERM INT HUP; sleep 8.11",
        "exec >&- 2>&-; sleep 8.11",
        "setsid sleep 8.11 & sleep 8.11",
        "(setsid sh -c 'setsid sleep 8.11 & wait' &) ; sleep 8.11",
    ],
    ids=["sleeps", "ignores signals", "closes its outputs", "leaves its session", "orphans"],
)
def test_program__that_outlives_the_step__is_killed_with_its_children(script: str) -> None:
    began = time.monotonic()
    performance = run_script(script, seconds=1)
    assert time.monotonic() - began < 2
    assert performance.report.status == "FAILED"
    assert performance.is_fault
    assert becomes(lambda: not runs("8.11"), seconds=2)


@pytest.mark.parametrize(
    "child",
    ["sleep 8.22 &", "setsid sleep 8.22 >/dev/null 2>&1 &", "(setsid sh -c 'sleep 8.22 &' &) ;"],
    ids=["in its group", "in another session", "orphaned"],
)
def test_child__that_outlives_its_program__is_killed_when_the_program_ends(child: str) -> None:
    began = time.monotonic()
    performance = run_script(f"{child} sleep 0.2; {ECHO_DONE}")
    assert time.monotonic() - began < 3
    assert performance.report.status == "COMPLETED", performance.report.error
    assert not runs("8.22")


def test_program__of_a_cancelled_step__is_killed() -> None:
    step = step_for(seconds=20)
    threading.Timer(0.5, step.timed_out.set).start()
    with pytest.raises(Exception, match="did not end in time, and was killed"):
        command("/bin/sleep", "8.33").run_step(step)
    assert not runs("8.33")


def test_program__of_a_worker_that_was_killed__is_killed_too() -> None:
    code = WORKER + "print(performed(command('/bin/sleep', '8.44'), step_for()))"
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        assert becomes(lambda: runs("8.44"), seconds=8)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert becomes(lambda: not runs("8.44"), seconds=2)


# --- the options of the route ---
@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"argv": []}, "argv"),
        ({"argv": "/bin/true"}, "argv"),
        ({"argv": ["true"]}, "argv[0]"),
        ({"argv": ["/bin/absent"]}, "argv[0]"),
        ({"argv": ["/etc/passwd"]}, "argv[0]"),
        ({"argv": ["/bin/true", 5]}, "argv[1]"),
        ({"directory": "relative"}, "directory"),
        ({"directory": "/absent"}, "directory"),
        ({"environment": "PATH"}, "environment"),
        ({"max_processes": 0}, "max_processes"),
        ({"user": "no-such-account"}, "user"),
        ({"shell": True}, "shell"),
    ],
)
def test_options__wrong__are_refused_with_their_path(options: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidRoutesError) as refused:
        handler_from(make_command_handler, **({"argv": ["/bin/true"]} | USER | options))
    assert refused.value.errors[0]["path"] == f"route[0].options.{path}"


def test_large_answer__within_its_limit__is_read_and_its_state_left_out() -> None:
    state = json.dumps({"state_before": "x", "state_after": 1})
    script = f"printf '%s' '{state[:-1]}, \"did\": \"'; head -c 300000 /dev/zero | tr '\\0' y; "
    report = run_script(script + "printf '\"}'").report
    assert report.status == "COMPLETED", report.error
    assert len(report.output["did"]) == 10_000
