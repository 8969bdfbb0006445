"""`run_executor`: start, work, errors and stop of an executor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from governance.client import RetryPolicy
from governance.domain.values import JobStatus
from tests.support.commands import CommandResult, run
from tests.support.executors import executor_process
from tests.support.factories import THREE_CHANGES, pending_job, reloaded
from tests.support.freezes import frozen
from tests.support.handlers import AT_GATE, NOTES, noted
from tests.support.http import served_application
from tests.support.sites import free_port, new_token
from tests.support.users import Users

TRY = ("--handler", "governance.client:PrintSteps")
NOTE = ("--handler", "tests.support.handlers:NoteSteps")


@pytest.fixture
def address(committed: Users, settings: Any) -> Iterator[str]:
    settings.SECURE_SSL_REDIRECT = False
    with served_application() as address:
        yield address


@pytest.fixture
def token(committed: Users, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put an executor's token into the environment."""
    token = new_token(committed.executor)
    monkeypatch.setenv("GOVSITE_TOKEN", token)
    return token


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("governance.client.connection.RetryPolicy", lambda: RetryPolicy(seconds=0))


def run_executor(address: str, *arguments: object) -> CommandResult:
    return run("run_executor", "--url", address, *arguments)


# --- execution ---
def test_until_idle__jobs_wait__runs_all_and_prints_each(
    committed: Users, address: str, token: str
) -> None:
    jobs = [pending_job(committed) for _ in range(3)]
    ran = run_executor(address, *TRY, "--until-idle", "--json")
    assert ran.code == 0, ran.err
    printed = [json.loads(line) for line in ran.out.splitlines()]
    assert [(line["job_id"], line["status"]) for line in printed] == [
        (str(job.pk), "COMPLETED") for job in jobs
    ]
    assert [line["evidence_sha256"] for line in printed] == [
        reloaded(job).evidence.sha256 for job in jobs
    ]
    assert f"job {jobs[0].pk}: 3 steps\n" in ran.err
    assert f"job {jobs[0].pk}: step 2 parameter_change on Search COMPLETED\n" in ran.err
    assert f"job {jobs[0].pk}: COMPLETED\n" in ran.err
    assert token not in ran.out + ran.err


def test_print_steps__says_in_the_evidence_that_it_did_nothing(
    committed: Users, address: str, token: str
) -> None:
    job = pending_job(committed)
    ran = run_executor(address, *TRY, "--once")
    assert (ran.code, ran.out) == (0, "")
    assert "would do capability_enable on Search: " in ran.err
    results = reloaded(job).evidence.document["step_results"]
    assert [result["output"]["did"] for result in results] == [
        {"nothing": "This was a dry run."}
    ] * 3


def test_log__of_a_job_with_one_step__says_step(committed: Users, address: str, token: str) -> None:
    job = pending_job(committed, proposed_changes=THREE_CHANGES[:1])
    assert f"job {job.pk}: 1 step\n" in run_executor(address, *TRY, "--once").err


def test_once__more_jobs_wait__runs_one(committed: Users, address: str, token: str) -> None:
    first, second = pending_job(committed), pending_job(committed)
    assert run_executor(address, *TRY, "--once").code == 0
    assert [reloaded(job).status for job in (first, second)] == ["COMPLETED", "PENDING"]


@pytest.mark.parametrize("limit", ["--once", "--until-idle"])
def test_bounded__nothing_waits__is_done(address: str, token: str, limit: str) -> None:
    ran = run_executor(address, *TRY, limit, "--json")
    assert (ran.code, ran.out) == (0, "")


def test_jobs__several_at_once__each_is_run_once(
    committed: Users, address: str, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NOTES, str(tmp_path / "notes"))
    jobs = [pending_job(committed, proposed_changes=THREE_CHANGES[:1]) for _ in range(8)]
    ran = run_executor(address, *NOTE, "--until-idle", "--jobs", "4", "--json")
    assert ran.code == 0, ran.err
    wanted = sorted(str(job.pk) for job in jobs)
    assert sorted(json.loads(line)["job_id"] for line in ran.out.splitlines()) == wanted
    assert sorted(job_id for _, job_id, _ in noted(tmp_path / "notes")) == wanted


def test_token_file__is_read(
    committed: Users, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOVSITE_TOKEN", raising=False)
    file = tmp_path / "token"
    file.write_text(new_token(committed.executor) + "\n")
    job = pending_job(committed)
    assert run_executor(address, *TRY, "--once", "--token-file", file).code == 0
    assert reloaded(job).status == JobStatus.COMPLETED


# --- errors ---
def test_token__missing_or_none__is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GOVSITE_TOKEN", raising=False)
    ran = run_executor("http://127.0.0.1:1", *TRY)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "error: the variable GOVSITE_TOKEN: has no API token: a token is one word of visible ASCII "
        "characters. (no_token)\n"
    )
    file = tmp_path / "token"
    file.write_text("two secrets\n")
    ran = run_executor("http://127.0.0.1:1", *TRY, "--token-file", file)
    assert (ran.code, "secrets" in ran.err) == (1, False)
    assert run_executor("http://127.0.0.1:1", *TRY, "--token-file", tmp_path / "gone").code == 1


def test_site__refuses_the_token__ends_at_once(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOVSITE_TOKEN", "0" * 64)
    ran = run_executor(address, *TRY, "--jobs", "3")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("error: This site does not know this token. (authentication_failed)\n")


def test_site__refuses_the_person__ends_at_once(
    committed: Users, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOVSITE_TOKEN", new_token(committed.viewer))
    ran = run_executor(address, *TRY)
    assert ran.code == 1
    assert "(permission_denied)" in ran.err


def test_changes_frozen__a_bounded_run_is_refused(
    committed: Users, address: str, token: str
) -> None:
    frozen(committed)
    ran = run_executor(address, *TRY, "--until-idle")
    assert ran.code == 1
    assert ran.err.endswith("(change_freeze_active)\n")


@pytest.mark.usefixtures("impatient")
def test_site__does_not_answer__a_bounded_run_ends_with_3(token: str) -> None:
    ran = run_executor(f"http://127.0.0.1:{free_port()}", *TRY, "--once")
    assert ran.code == 3
    assert ran.err.startswith("error: The site does not answer: no answer after 1 attempt: Connect")


def test_job__lost__a_bounded_run_ends_with_1(
    committed: Users, address: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.client.executor.JobReporter.seconds_left", lambda _: -1.0)
    pending_job(committed)
    ran = run_executor(address, *TRY, "--once", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["lost_because"] == "the lease expired before step 0"
    assert ran.err.endswith("error: 1 job was lost\n")


@pytest.mark.parametrize("limits", [("--until-idle",), ()])
def test_handler__at_fault_twice_in_a_row__ends_with_5_and_claims_no_other(
    committed: Users,
    address: str,
    token: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limits: tuple[str, ...],
) -> None:
    monkeypatch.setenv(NOTES, str(tmp_path / "notes"))
    jobs = [pending_job(committed, proposed_changes=THREE_CHANGES[:1]) for _ in range(4)]
    ran = run_executor(address, "--handler", "tests.support.handlers:CrashAlways", *limits)
    assert ran.code == 5
    assert ran.err.endswith("error: the handler was at fault in two jobs in a row\n")
    assert [reloaded(job).status for job in jobs] == ["FAILED"] * 2 + ["PENDING"] * 2


def test_handler__at_fault_once__ends_as_usual(
    committed: Users,
    address: str,
    token: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(NOTES, str(tmp_path / "notes"))
    pending_job(committed)
    crashing = ("--handler", "tests.support.handlers:CrashAlways")
    assert run_executor(address, *crashing, "--once").code == 0


def test_site__does_not_answer__is_logged_while_it_is_asked_again(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = RetryPolicy(seconds=1, first_pause=0.01, max_pause=0.1)
    monkeypatch.setattr("governance.client.connection.RetryPolicy", lambda: policy)
    ran = run_executor(f"http://127.0.0.1:{free_port()}", *TRY, "--until-idle", "--jobs", "2")
    assert ran.code == 3
    assert ran.err.startswith("127.0.0.1 does not answer, and is asked again: ConnectError: ")
    assert ran.err.count("does not answer, and is asked again") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--url", "http://x"),
        TRY,
        ("--url", "gov.example", *TRY),
        ("--url", "http://x", "--handler", "no_colon"),
        ("--url", "http://x", "--handler", "no.such.module:Name"),
        ("--url", "http://x", "--handler", "governance.client:NoSuchName"),
        ("--url", "http://x", "--handler", "governance.client:RetryPolicy"),
        ("--url", "http://x", "--handler", "json:dumps"),
        ("--url", "http://x", *TRY, "--jobs", "0"),
        ("--url", "http://x", *TRY, "--jobs", "65"),
        ("--url", "http://x", *TRY, "--once", "--until-idle"),
        ("--url", "http://x", *TRY, "--token", "in-the-open"),
    ],
)
def test_used_wrongly__exits_with_2(arguments: tuple[str, ...]) -> None:
    assert run("run_executor", *arguments).code == 2


# --- stopping ---
@pytest.fixture
def gate(tmp_path: Path) -> Path:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    return gate


def one_step_on(capability: str) -> dict[str, Any]:
    change = THREE_CHANGES[0] | {"capability_name": capability}
    return {"affected_capabilities": [capability], "proposed_changes": [change]}


def in_a_step(executor: subprocess.Popen[str]) -> None:
    assert executor.stdout is not None
    assert executor.stdout.readline() == AT_GATE


def stop(executor: subprocess.Popen[str], number: int) -> None:
    """Send the signal, and wait for the log line that acknowledges it."""
    executor.send_signal(number)
    assert executor.stderr is not None
    while "stopping: " not in (line := executor.stderr.readline()):
        assert line, "it ended without a word"


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_signal__in_a_step__the_job_is_finished_and_no_other_claimed(
    committed: Users, address: str, token: str, tmp_path: Path, gate: Path, number: int
) -> None:
    job, other = (pending_job(committed, proposed_changes=THREE_CHANGES[:2]) for _ in range(2))
    with executor_process(
        address, token, handler="WaitAtGate", notes=tmp_path / "notes", gate=gate
    ) as executor:
        in_a_step(executor)
        stop(executor, number)
        with gate.open("wb"):
            pass
        in_a_step(executor)
        with gate.open("wb"):
            pass
        assert executor.wait(60) == 0
    assert [reloaded(each).status for each in (job, other)] == ["COMPLETED", "PENDING"]


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_signal__the_second__leaves_at_once(
    committed: Users, address: str, token: str, tmp_path: Path, gate: Path, number: int
) -> None:
    job = pending_job(committed)
    with executor_process(
        address, token, handler="WaitAtGate", notes=tmp_path / "notes", gate=gate
    ) as executor:
        in_a_step(executor)
        stop(executor, number)
        executor.send_signal(number)
        assert executor.wait(60) == 128 + number
    assert reloaded(job).status == JobStatus.RUNNING


@pytest.mark.parametrize(
    ("stream", "code"), [("stdout", 141), pytest.param("stderr", 0, marks=pytest.mark.long)]
)
def test_output__pipe_closed__the_job_is_finished_all_the_same(
    committed: Users,
    address: str,
    token: str,
    tmp_path: Path,
    gate: Path,
    stream: str,
    code: int,
) -> None:
    job = pending_job(committed, proposed_changes=THREE_CHANGES[:1])
    options = ("--json", "--once")
    with executor_process(
        address, token, *options, handler="WaitAtGate", notes=tmp_path / "notes", gate=gate
    ) as executor:
        in_a_step(executor)
        getattr(executor, stream).close()
        with gate.open("wb"):
            pass
        assert executor.wait(60) == code
    assert reloaded(job).status == JobStatus.COMPLETED


@pytest.mark.long
def test_output__pipe_closed__other_jobs_are_finished_too(
    committed: Users, address: str, token: str, tmp_path: Path, gate: Path
) -> None:
    # On capabilities of their own, because two jobs on one cannot run at once.
    jobs = [pending_job(committed, **one_step_on(name)) for name in ("Search", "Billing")]
    options = ("--json", "--jobs", "2")
    with executor_process(
        address, token, *options, handler="WaitAtGate", notes=tmp_path / "notes", gate=gate
    ) as executor:
        in_a_step(executor)
        in_a_step(executor)
        assert executor.stdout is not None
        executor.stdout.close()
        with gate.open("wb", buffering=0) as opened:
            opened.write(b".")
            assert executor.stderr is not None
            while not (line := executor.stderr.readline()).endswith(": COMPLETED\n"):
                assert line, "it ended without a word"
        assert executor.wait(60) == 141
    assert [reloaded(job).status for job in jobs] == ["COMPLETED"] * 2
