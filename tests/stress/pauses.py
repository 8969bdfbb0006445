"""The attack `pauses`: executors are paused within a step, and resume after their lease.

The workers are processes, which SIGSTOP pauses and SIGCONT resumes: some before the sweep, some
after it, and some after the job was cancelled. Their late reports must be refused, and no byte of
the record may change.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO, Any

import httpx
from django.conf import settings
from django.db import connection
from django.test import override_settings

from governance.domain.values import JobStatus
from governance.models import GovernanceJob, LedgerEntry
from tests.stress.attack import Advance, AttackResult, attack, require
from tests.stress.proof import require_whole_record
from tests.support.commands import ROOT, shell, this_database
from tests.support.databases import cloned, ensure_template
from tests.support.factories import apart, now, pending_job
from tests.support.sites import client_of, output_of, running_site
from tests.support.tokens import new_token
from tests.support.users import Users, create_users

WORKERS = 9
STEPS = 3
WAKINGS = ("before the sweep", "after the sweep", "after a cancellation")
# The lease in this attack is the sum of these: the step's timeout and the grace.
STEP_SECONDS, GRACE_SECONDS = 1, 2

OF_CONTRACT = ("governance_governancejob", "governance_ledgerentry")
OF_JOB = (
    "governance_jobstep",
    "governance_stepresult",
    "governance_healthsnapshot",
    "governance_auditevidence",
    "governance_governanceaudit",
)


class Pause:
    """A worker process, and the job in which it is paused."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self._process, self._log = process, log
        self.waking, self.step, self.record = "", 0, ""
        self.job: GovernanceJob

    def send(self, **order: Any) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has died, which `receive` reports
            self._process.stdin.write(json.dumps(order).encode() + b"\n")

    def receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        require(line, f"a worker died: {output_of(self._log)[-2000:]}")
        reply: dict[str, Any] = json.loads(line)
        return reply

    def stop(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)
        _, state = os.waitpid(self._process.pid, os.WUNTRACED)
        require(os.WIFSTOPPED(state), f"a worker ended instead of stopping: {state}")

    def resume(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    def require_refused(self, code: str) -> list[str]:
        """Check that its two calls were refused with `code`, and that the record is unchanged."""
        reply = self.receive()["responses"]
        require(reply == [[409, code]] * 2, f"resumed {self.waking}, a worker got {reply}")
        require(
            record_of(self.job) == self.record, f"a late worker changed the record of {self.job}"
        )
        return [code] * 2


@attack(
    "pauses",
    "an executor is paused, its lease lapses, it resumes",
    unit="pauses",
    short=WORKERS,
    long=50,
)
def pauses(count: int, advance: Advance) -> AttackResult:
    wakings: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    short_steps = settings.GOVSITE | {"STEP_TIMEOUT_SECONDS": STEP_SECONDS}
    with cloned(ensure_template()), override_settings(GOVSITE=short_steps):
        users = create_users()
        with ExitStack() as leaving:
            grace = {"GOVSITE_LEASE_GRACE_SECONDS": str(GRACE_SECONDS)}
            address = leaving.enter_context(running_site(grace))
            operator = leaving.enter_context(client_of(address, users.operator))
            workers = [
                leaving.enter_context(started_worker(address, users))
                for _ in range(min(WORKERS, count))
            ]
            while (done := wakings.total()) < count:
                wave = workers[: count - done]
                for number, worker in enumerate(wave, start=done):
                    worker.waking = WAKINGS[number % len(WAKINGS)]
                    worker.step = number // len(WAKINGS) % STEPS
                refused.update(stop_in_the_middle(wave, users))
                refused.update(wake_late(wave, operator))
                require_no_second_run(wave)
                wakings.update(worker.waking for worker in wave)
                advance(len(wave))
        entries = require_whole_record()
    woken = ", ".join(f"{number} {waking}" for waking, number in wakings.items())
    codes = ", ".join(f"{number} {code}" for code, number in refused.most_common())
    return AttackResult(
        f"{count} resumed late ({woken}): {refused.total()} calls, each 409 ({codes}); every "
        f"record unchanged, one job and one run each; {entries} entries verify",
        {"pauses": count, "refused": refused.total()},
    )


@contextmanager
def started_worker(address: str, users: Users) -> Iterator[Pause]:
    with TemporaryFile() as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.support.paused_worker"),
                address,
                new_token(users.executor),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            bufsize=0,
        )
        with process:
            try:
                yield Pause(process, log)
            finally:
                process.kill()  # SIGKILL also ends a paused process


def stop_in_the_middle(wave: list[Pause], users: Users) -> list[str]:
    """Let each worker claim a job, pause it within a step, and wait until all leases are over."""
    codes = []
    for _ in wave:
        pending_job(users, **apart())
    for worker in wave:
        worker.send(do="work", until=worker.step)
    for worker in wave:
        reply = worker.receive()
        worker.stop()
        worker.job = GovernanceJob.objects.get(pk=reply["at_work"])
        status, code = reply["under_old_token"]
        require((status, code) == (409, "stale_execution"), f"an old token got {status} {code}")
        codes.append(code)
    for worker in wave:
        require(worker.job.status == JobStatus.RUNNING, f"{worker.job} is {worker.job.status}")
        require(worker.job.current_step_index == worker.step, f"{worker.job} is not at its step")
        assert worker.job.lease_expires_at is not None
        time.sleep(max(0, (worker.job.lease_expires_at - now()).total_seconds() + 0.05))
    return codes


def wake_late(wave: list[Pause], operator: httpx.Client) -> list[str]:
    codes = []
    early = [worker for worker in wave if worker.waking == "before the sweep"]
    cancelled = [worker for worker in wave if worker.waking == "after a cancellation"]
    lost = [worker for worker in wave if worker not in cancelled]
    for worker in cancelled:
        answer = operator.post(f"jobs/{worker.job.pk}/cancel/", json={"reason": "It is silent."})
        require(answer.status_code == 200, answer.text)
    for worker in early:
        worker.record = record_of(worker.job)
        worker.resume()
        codes += worker.require_refused("lease_expired")
    sweep(expected=len(lost))
    for worker in lost:
        require_lost(worker)
    for worker in wave:
        worker.record = record_of(worker.job)
        if worker in early:
            worker.send(do="insist")
        else:
            worker.resume()
        codes += worker.require_refused("job_immutable")
    return codes


def sweep(*, expected: int) -> None:
    """Run the command `fail_timed_out_jobs` as a scheduler does."""
    if not expected:
        return
    ran = shell(
        *("fail_timed_out_jobs", "--force", str(expected), "--as", "operator", "--json"),
        environment={"DATABASE_URL": this_database()},
    )
    require(ran.returncode == 0, f"the sweep ended with {ran.returncode}: {ran.stderr.decode()}")
    moved = json.loads(ran.stdout)["moved"]
    require(moved == expected, f"the sweep ended {moved} jobs, not {expected}")


def require_lost(worker: Pause) -> None:
    job = GovernanceJob.objects.get(pk=worker.job.pk)
    words = f"executor lost at step {worker.step}, outcome unknown"
    require(job.status == JobStatus.FAILED, f"a lost executor's job is {job.status}")
    require(words in job.end_reason, f"it ended because {job.end_reason!r}")
    sealed = [step["status"] for step in job.evidence.document["steps"]]
    known = ["COMPLETED"] * worker.step + ["FAILED"]
    require(sealed[: worker.step + 1] == known, f"the evidence has the steps {sealed}")


def require_no_second_run(wave: list[Pause]) -> None:
    waiting = GovernanceJob.objects.exclude(status__in=[JobStatus.FAILED, JobStatus.CANCELLED])
    require(not waiting.exists(), f"jobs that an executor could still run: {list(waiting)}")
    for worker in wave:
        contract_id = worker.job.contract_id
        jobs = GovernanceJob.objects.filter(contract_id=contract_id).count()
        starts = LedgerEntry.objects.filter(
            contract_id=contract_id, event="job.execution.started"
        ).count()
        require((jobs, starts) == (1, 1), f"{contract_id} has {jobs} jobs and {starts} runs")


def record_of(job: GovernanceJob) -> str:
    """Return every row about the job and its contract as PostgreSQL's text."""
    asked = [("governance_systemcontract", "id", job.contract_id)]
    asked += [(table, "contract_id", job.contract_id) for table in OF_CONTRACT]
    asked += [(table, "job_id", job.pk) for table in OF_JOB]
    rows = []
    with connection.cursor() as cursor:
        for table, column, value in asked:
            cursor.execute(f"SELECT t::text FROM {table} t WHERE {column} = %s ORDER BY 1", [value])
            rows += [f"{table} {row}" for (row,) in cursor.fetchall()]
    return "\n".join(rows)
