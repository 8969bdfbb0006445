"""The attack `auditkill`: workers are killed between the evidence of a job and its verdict."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

from governance.domain.roles import MachineAccount
from governance.domain.values import AuditVerdict, ContractStatus
from governance.models import AuditEvidence, GovernanceAudit, GovernanceJob, SystemContract
from governance.services.access.accounts import machine_account
from governance.services.registry.operations import register_capabilities
from tests.stress.attack import Advance, AttackResult, BrokenError, attack, require
from tests.stress.proof import require_whole_record
from tests.support.attacks import run_sql
from tests.support.databases import cloned, ensure_template
from tests.support.factories import apart, pending_job
from tests.support.routing import routes_file
from tests.support.users import Users, create_users
from tests.support.worker_process import WorkerProcess

WORKERS = 2
MAX_WAIT_SECONDS = 60.0
# A worker enqueues lost audits once in a minute.
MAX_RESOLVED_SECONDS = 60.0 + 30.0

_HELD = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"


@attack(
    "auditkill",
    "kill -9 of a worker between evidence and verdict",
    unit="kills",
    short=4,
    long=50,
)
def auditkill(count: int, advance: Advance) -> AttackResult:
    with cloned(ensure_template()), routes_file() as routes:
        users = create_users()
        jobs = []
        for _ in range(count):
            jobs.append(_kill_between(users, routes))
            advance(1)
        began = time.monotonic()
        workers = [_worker(routes) for _ in range(WORKERS)]
        try:
            active = SystemContract.objects.filter(status=ContractStatus.ACTIVE)
            _wait(lambda: not active.exists(), MAX_RESOLVED_SECONDS, workers)
        finally:
            for worker in workers:
                worker.leave()
        seconds = time.monotonic() - began
        _require_one_verdict_each(jobs)
        entries = require_whole_record()
    return AttackResult(
        f"{count} kills between evidence and verdict: each job has one verdict, all PASS, "
        f"{seconds:.0f} s after the next workers began; {entries} entries verify",
        {"kills": count, "seconds": seconds},
    )


def _kill_between(users: Users, routes: Path) -> GovernanceJob:
    """Kill a worker that has sealed the evidence of a job and is about to write its verdict."""
    fields = apart()
    register_capabilities(documents=[{"name": fields["affected_capabilities"][0]}])
    worker = _worker(routes)
    try:
        _wait(lambda: "worker: started" in worker.output, MAX_WAIT_SECONDS, [worker])
        with _verdicts_held():
            job = pending_job(users, **fields)
            sealed = AuditEvidence.objects.filter(job=job)
            held = "governance_governanceaudit"
            _wait(
                lambda: sealed.exists() and run_sql(_HELD, held)[0][0],
                MAX_WAIT_SECONDS,
                [worker],
            )
            worker.send(signal.SIGKILL)
            worker.ended()
        require(not GovernanceAudit.objects.filter(job=job).exists(), "the verdict came first")
    finally:
        worker.leave()
    return job


def _worker(routes: Path) -> WorkerProcess:
    return WorkerProcess(routes, GOVSITE_AUDITOR="inside")


@contextmanager
def _verdicts_held() -> Iterator[None]:
    """Let every session that writes a verdict wait while the block runs."""
    session = connection.copy()
    try:
        with session.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE governance_governanceaudit IN SHARE MODE")
            yield
            cursor.execute("ROLLBACK")
    finally:
        session.close()


def _require_one_verdict_each(jobs: list[GovernanceJob]) -> None:
    auditor = machine_account(MachineAccount.AUDITOR)
    for job in jobs:
        found = list(GovernanceAudit.objects.filter(job=job))
        require(len(found) == 1, f"{job} has {len(found)} verdicts")
        require(
            found[0].verdict == AuditVerdict.PASS and found[0].author_id == auditor.pk,
            f"{job}: {found[0].verdict}: {found[0].reason}",
        )


def _wait(condition: Callable[[], Any], seconds: float, workers: list[WorkerProcess]) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up_at:
            raise BrokenError("\n---\n".join(worker.output[-3000:] for worker in workers))
        time.sleep(0.05)
