"""`run_job`: one job in the foreground, what it shows, and which jobs it refuses."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from governance.authorities.executor.machine import LeaseOver
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.db.transactions import write_transaction
from governance.domain.roles import MachineAccount
from governance.domain.values import ActivationWindow, JobStatus
from governance.flows.activate_contract import activate_contract
from governance.management.base import INTERRUPTED
from governance.management.commands.run_job import ENDS_BY_LEASE, NOT_COMPLETED
from governance.models import AuditEvidence, GovernanceJob
from governance.services.access.accounts import machine_account
from governance.services.breakers.operations import admit_run
from governance.services.registry.operations import register_capabilities
from tests.support.breakers import faulted, opened
from tests.support.commands import ROOT, CommandResult, run, shell, this_database
from tests.support.factories import approved, now, pending_job
from tests.support.freezes import frozen
from tests.support.routing import EVERYTHING_TO_REGISTRY, routes_file
from tests.support.users import Users

ONLY_PARAMETERS = EVERYTHING_TO_REGISTRY.replace('"*"\nhandler', '["parameter_change"]\nhandler')
USER = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
SLOW = f"""
[[route]]
scopes = "*"
change_types = "*"
handler = "command"

[route.options]
user = "{USER}"
argv = ["/bin/sleep", "20"]
"""


@pytest.fixture
def site(committed: Users) -> Iterator[Users]:
    """A site on which `registry` serves all steps."""
    register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 20}}])
    with routes_file():
        yield committed


def failing_job(users: Users) -> GovernanceJob:
    """Return a job whose second step fails, because its capability is not registered."""
    changes = [
        {"type": "parameter_change", "scope": name, "parameters": {"limit": 1}}
        for name in ("Search", "Other", "Search")
    ]
    return pending_job(users, affected_capabilities=["Search", "Other"], proposed_changes=changes)


def status_of(job: GovernanceJob) -> str:
    return str(GovernanceJob.objects.values_list("status", flat=True).get(pk=job.pk))


def sha256_of(job: GovernanceJob) -> str:
    return AuditEvidence.objects.get(job_id=job.pk).sha256


def assert_refused(ran: CommandResult, job: GovernanceJob, words: str, *, code: str) -> None:
    """Check a refusal before the start: the job waits as before, and no step is shown."""
    assert ran.code == 1
    assert words in ran.err
    assert ran.err.endswith(f"({code})\n")
    assert "step 1 of" not in ran.out
    assert status_of(job) == JobStatus.PENDING


# --- a run ---
def test_job__whose_steps_are_done__is_shown_step_by_step(site: Users) -> None:
    job = pending_job(site)
    ran = run("run_job", job.pk)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == f"job {job.pk}: what will be done, in this order, until a step fails"
    assert lines[1] == '  1. Enable "Search" as PREVIEW (by registry, at most 300 s)'
    change = 'Set "page_size" of "Search" from 20 to 50'
    assert lines[2] == f"  2. {change} (by registry, at most 300 s)"
    for number, line in enumerate(lines[4:7], start=1):
        assert line.startswith(f"step {number} of 3: COMPLETED after 0.")
        assert line.endswith(" s")
    assert lines[7:] == [f"job {job.pk}: COMPLETED", f"sha256 of its evidence: {sha256_of(job)}"]
    ended = GovernanceJob.objects.get(pk=job.pk)
    assert ended.started_by == ended.ended_by == machine_account(MachineAccount.EXECUTOR)


def test_job__with_a_step_that_fails__shows_why_and_ends(site: Users) -> None:
    job = failing_job(site)
    ran = run("run_job", job.pk)
    assert ran.code == NOT_COMPLETED
    steps = [line for line in ran.out.splitlines() if line.startswith("step ")]
    assert steps[0].startswith("step 1 of 3: COMPLETED after ")
    assert steps[1].startswith("step 2 of 3: FAILED after ")
    assert steps[1].endswith(" s: Other is not registered.")
    assert len(steps) == 2
    assert ran.out.endswith(f"job {job.pk}: FAILED\nsha256 of its evidence: {sha256_of(job)}\n")


def test_json__of_a_run__is_one_document(site: Users) -> None:
    job = failing_job(site)
    ran = run("run_job", job.pk, "--json")
    assert ran.code == NOT_COMPLETED
    document = ran.json()
    first, second = document.pop("steps")
    assert document == {
        "job": {"id": str(job.pk), "status": "FAILED"},
        "evidence_sha256": sha256_of(job),
    }
    assert second.pop("seconds") >= 0
    assert second == {
        "step_index": 1,
        "step_type": "parameter_change",
        "target": "Other",
        "handler": "registry",
        "status": "FAILED",
        "error": "Other is not registered.",
    }
    assert (first["status"], first["error"]) == ("COMPLETED", "")


def test_job__that_loses_its_lease__ends_by_it(
    site: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*args: Any, **options: Any) -> Any:
        raise LeaseOver("too late")

    monkeypatch.setattr(GovernanceOrchestrator, "record_step_result", staticmethod(late))
    job = pending_job(site)
    ran = run("run_job", job.pk)
    assert ran.code == NOT_COMPLETED
    assert ran.out.endswith(f"job {job.pk}: RUNNING\n")
    assert ran.err.endswith(f"{ENDS_BY_LEASE}\n")


def test_job__whose_reader_is_gone__is_run_to_its_end(site: Users) -> None:
    job = pending_job(site)
    with routes_file() as routes:
        process = process_of(job, routes)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) == 141
    assert status_of(job) == JobStatus.COMPLETED


@pytest.mark.long
def test_job__interrupted_in_a_step__stays_running_and_says_how_it_ends(site: Users) -> None:
    with routes_file(SLOW) as routes:
        job = pending_job(site)
        process = process_of(job, routes)
        assert process.stderr is not None
        while GovernanceJob.objects.get(pk=job.pk).status == JobStatus.PENDING:
            assert process.poll() is None, process.stderr.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == INTERRUPTED
        assert process.stderr.read().endswith(f"{ENDS_BY_LEASE}\nerror: interrupted\n")
    assert status_of(job) == JobStatus.RUNNING


def process_of(job: GovernanceJob, routes: Path) -> subprocess.Popen[str]:
    environment = {
        "DATABASE_URL": this_database(),
        "DJANGO_SETTINGS_MODULE": "govsite.settings",
        "GOVSITE_EXECUTION_FILE": str(routes),
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "run_job", str(job.pk)],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# --- what is refused ---
def test_job__absent__is_refused(site: Users) -> None:
    ran = run("run_job", uuid4())
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("(job_not_found)\n")


def test_job__left_to_clients__is_refused(site: Users) -> None:
    with routes_file(""):
        job = pending_job(site)
    words = "Its activation left the job to executors over HTTP."
    assert_refused(run("run_job", job.pk), job, words, code="job_left_alone")


def test_job__that_has_ended__is_refused(site: Users) -> None:
    job = pending_job(site)
    assert run("run_job", job.pk).code == 0
    ran = run("run_job", job.pk)
    assert (ran.code, ran.out) == (1, "")
    words = "The job is COMPLETED; a worker starts a PENDING one."
    assert ran.err == f"error: {words} (job_left_alone)\n"


def test_job__that_runs__is_refused(site: Users) -> None:
    job = pending_job(site)
    GovernanceOrchestrator.start_job(job.pk, executor=machine_account(MachineAccount.EXECUTOR))
    ran = run("run_job", job.pk)
    assert (ran.code, ran.out) == (1, "")
    assert "The job is RUNNING; a worker starts a PENDING one." in ran.err


def test_job__during_a_change_freeze__is_refused(site: Users) -> None:
    job = pending_job(site)
    frozen(site)
    words = "The payment provider is down."
    assert_refused(run("run_job", job.pk), job, words, code="change_freeze_active")


def test_job__on_a_busy_capability__is_refused(site: Users) -> None:
    running, job = pending_job(site), pending_job(site)
    GovernanceOrchestrator.start_job(running.pk, executor=machine_account(MachineAccount.EXECUTOR))
    assert_refused(run("run_job", job.pk), job, "Search", code="scope_busy")


def test_job__whose_handler_has_an_open_breaker__is_refused(site: Users) -> None:
    job = pending_job(site)
    opened("registry")
    words = "The circuit breaker of registry is open."
    assert_refused(run("run_job", job.pk), job, words, code="job_left_alone")


def test_job__beside_the_one_that_a_careful_breaker_admits__is_refused(site: Users) -> None:
    register_capabilities(documents=[{"name": "Other"}])
    first = pending_job(site)
    changes = [{"type": "parameter_change", "scope": "Other", "parameters": {"limit": 1}}]
    job = pending_job(site, affected_capabilities=["Other"], proposed_changes=changes)
    faulted("registry")
    executor = machine_account(MachineAccount.EXECUTOR)
    with write_transaction():
        assert admit_run(handlers=["registry"], job_id=first.pk)
        GovernanceOrchestrator.start_job(first.pk, executor=executor)
    words = "The circuit breaker of a handler lets the job wait."
    assert_refused(run("run_job", job.pk), job, words, code="job_left_alone")


def test_job__whose_window_is_too_short__is_refused(site: Users) -> None:
    window = ActivationWindow(now() - timedelta(hours=1), now() + timedelta(minutes=10))
    contract = approved(site, window=window)
    job = activate_contract(contract_id=contract.pk, actor=site.operator)
    words = "Its steps may take 900 s, but its window closes in"
    assert_refused(run("run_job", job.pk), job, words, code="job_left_alone")


def test_job__without_a_handler_for_a_step__is_refused(site: Users) -> None:
    job = pending_job(site)
    words = "No handler serves step 1, capability_enable on Search."
    with routes_file(ONLY_PARAMETERS):
        assert_refused(run("run_job", job.pk), job, words, code="job_left_alone")


def test_job__with_json__is_refused_on_standard_error(site: Users) -> None:
    ran = run("run_job", uuid4(), "--json")
    assert (ran.code, ran.out) == (1, "")


def test_command__asked_for_help__says_what_it_does_and_how_it_ends() -> None:
    text = shell("run_job", "--help").stdout.decode()
    for words in (
        "Run one job that waits for a worker",
        "manage.py run_job 0197a0c2",
        "no --as",
        "it ends as FAILED when its lease is over",
        "4    the job was run and did not become COMPLETED",
        "130  interrupted by Ctrl-C",
    ):
        assert words in text
