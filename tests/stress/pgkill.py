"""The attack `pgkill`: PostgreSQL is killed while clients write, and restarted.

Every acknowledged write must be there afterwards.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from queue import Empty, Queue
from random import Random
from statistics import median
from threading import Event
from typing import Any

import httpx
from django.db import connection, connections
from django.db.models import QuerySet

from governance.models import AuditEvidence, GovernanceAudit, LedgerEntry, StepResult
from tests.stress.attack import Advance, AttackResult, attack, chosen_seed, require
from tests.stress.proof import require_whole_record
from tests.support.factories import approved, now
from tests.support.rounds import WorkerThreads
from tests.support.site_process import SiteProcess, connected_to, running_site_process
from tests.support.sites import client_of
from tests.support.users import Users, create_users

WRITERS = 4
STEPS = 300  # so many that contracts are made faster than they are executed
MAX_RECOVERY_SECONDS = 10.0
LOAD_SECONDS = (0.7, 2.0)

# An acknowledged write: its kind, the contract or job, and the step.
Written = tuple[str, str, int]


@dataclass
class Load:
    """Clients that write all the time, and their acknowledged writes."""

    clients: Mapping[str, httpx.Client]
    stock: Queue[str] = field(default_factory=Queue)
    written: list[Written] = field(default_factory=list)
    # (when the call began, when its acknowledgement came)
    times: list[tuple[float, float]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def write(self) -> None:
        """Execute one contract after another until `over` is set."""
        while not self.over.is_set():
            try:
                self._carry_out(self.stock.get(timeout=0.1))
            except Empty:
                continue
            except Exception as trouble:  # noqa: BLE001 - the attack reports it
                self.troubles.append(repr(trouble))
                return

    def _carry_out(self, contract_id: str) -> None:
        activated = self._call("operator", f"contracts/{contract_id}/activate/", {})
        if activated is None:
            return  # it was activated, but the response with the job's id is lost
        job_id = activated["job"]["id"]
        self.written.append(("activated", job_id, 0))
        started = self._call("executor", f"jobs/{job_id}/start/", {})
        if started is None:
            return  # it was started, but the response with the execution token is lost
        self.written.append(("started", job_id, 0))
        token = {"execution_token": started["execution_token"]}
        for index in range(STEPS):
            at = now().isoformat()
            report = {"step_index": index, "status": "COMPLETED"}
            times = {"started_at": at, "completed_at": at}
            if self._call("executor", f"jobs/{job_id}/results/", token | report | times):
                self.written.append(("result", job_id, index))
        ended = self._call("executor", f"jobs/{job_id}/complete/", token)
        if ended is None:
            return
        self.written.append(("ended", job_id, 0))
        verdict = {
            "verdict": "PASS",
            "reason": "So it is.",
            "evidence_sha256": ended["evidence_sha256"],
        }
        if self._call("auditor", f"jobs/{job_id}/verdict/", verdict):
            self.written.append(("judged", job_id, 0))

    def _call(self, caller: str, path: str, body: Mapping[str, Any]) -> Any:
        """Repeat the call until it is acknowledged; return the body, or None for 409."""
        while not self.over.is_set():
            began = time.monotonic()
            try:
                answer = self.clients[caller].post(path, json=body)
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            if answer.is_success:
                self.times.append((began, time.monotonic()))
                return answer.json()
            if answer.status_code == 409:
                return None
            require(answer.status_code == 503, f"{path}: {answer.status_code} {answer.text}")
            time.sleep(0.05)
        return None


@attack(
    "pgkill",
    "kill -9 of PostgreSQL (every fourth time of a backend) under load",
    unit="kills",
    short=2,
    long=20,
)
def pgkill(count: int, advance: Advance) -> AttackResult:
    lots = Random(chosen_seed())
    recoveries: list[float] = []
    restarts = 0
    with ExitStack() as stack:
        site = stack.enter_context(running_site_process())
        stack.enter_context(connected_to(site.database))
        require(query_value("SHOW fsync") == "on", "fsync is off on this server")
        users = create_users()
        load = Load(
            {name: stack.enter_context(client) for name, client in role_clients(site, users)}
        )
        threads = stack.enter_context(WorkerThreads(WRITERS))
        stack.callback(load.over.set)
        writing = [threads.submit(load.write) for _ in range(WRITERS)]
        for number in range(count):
            fill(load.stock, users)
            time.sleep(lots.uniform(*LOAD_SECONDS))
            before, kills_a_backend = site.postmaster, number % 4 == 1
            os.kill(a_backend(lots) if kills_a_backend else before, signal.SIGKILL)
            killed_at = since = time.monotonic()
            if not kills_a_backend:
                since = time_of_restart(site, before)
                restarts += 1
            recoveries.append(seconds_until_written(load, since) + since - killed_at)
            require(
                recoveries[-1] < MAX_RECOVERY_SECONDS, f"recovered after {recoveries[-1]:.1f} s"
            )
            connections.close_all()
            require_kept(tuple(load.written))
            advance(1)
        load.over.set()
        for writer in writing:
            writer.result()
        require(not load.troubles, f"a client failed: {load.troubles[:1]}")
        written = len(load.written)
        require_kept(tuple(load.written))
        reported = site.output().count("it is being started again")
        require(reported == restarts, f"{restarts} kills, and run_dev reports {reported}")
        entries = require_whole_record()
    return AttackResult(
        f"{written} acknowledged writes of {WRITERS} clients, none lost; first new write after "
        f"{max(recoveries):.1f} s at most, {median(recoveries):.1f} s in the median; "
        f"{entries} entries verify",
        {
            "kills": count,
            "written": written,
            "worst_recovery_seconds": max(recoveries),
            "median_recovery_seconds": median(recoveries),
        },
    )


def role_clients(site: SiteProcess, users: Users) -> list[tuple[str, httpx.Client]]:
    return [
        (name, client_of(site.address, getattr(users, name), timeout=20))
        for name in ("operator", "executor", "auditor")
    ]


def fill(stock: Queue[str], users: Users) -> None:
    changes = [
        {"type": "parameter_change", "scope": "Search", "parameters": {f"number_{index}": index}}
        for index in range(STEPS)
    ]
    while stock.qsize() < 2 * WRITERS:
        stock.put(str(approved(users, proposed_changes=changes).pk))


def a_backend(lots: Random) -> int:
    """Return the process id of a random client backend."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND pid <> pg_backend_pid()"
        )
        return int(lots.choice(cursor.fetchall())[0])


def time_of_restart(site: SiteProcess, before: int) -> float:
    """Return the time when `postmaster.pid` had a new process id.

    The old client backends may still run for a moment then.
    """
    deadline = time.monotonic() + MAX_RECOVERY_SECONDS
    while True:
        with suppress(OSError, ValueError, IndexError):  # the file is missing or empty meanwhile
            if site.postmaster != before:
                return time.monotonic()
        require(time.monotonic() < deadline, "PostgreSQL was not started again")
        time.sleep(0.02)


def seconds_until_written(load: Load, since: float) -> float:
    """Wait for an acknowledged call that began after `since`; return the seconds until then."""
    seen = len(load.times)
    while True:
        require(not load.troubles, f"a client failed: {load.troubles[:1]}")
        for began, acknowledged in load.times[seen:]:
            if began >= since:
                return acknowledged - since
        waited = time.monotonic() - since
        require(waited < 3 * MAX_RECOVERY_SECONDS, f"nothing was written for {waited:.0f} s")
        time.sleep(0.02)


def require_kept(written: Sequence[Written]) -> None:
    """Check that each of these writes is in the database."""
    jobs = {job_id for _, job_id, _ in written}
    on_record: set[Written] = {
        ("result", str(job_id), index)
        for job_id, index in StepResult.objects.filter(job_id__in=jobs).values_list(
            "job_id", "step_index"
        )
    }
    ledger = LedgerEntry.objects.filter(contract__job__in=jobs)
    rows: Mapping[str, QuerySet[Any]] = {
        "activated": ledger.filter(event="job.activation.created").values("contract__job"),
        "started": ledger.filter(event="job.execution.started").values("contract__job"),
        "ended": AuditEvidence.objects.filter(job_id__in=jobs).values("job_id"),
        "judged": GovernanceAudit.objects.filter(job_id__in=jobs).values("job_id"),
    }
    for kind, found in rows.items():
        on_record |= {(kind, str(job_id), 0) for row in found for job_id in row.values()}
    lost = set(written) - on_record
    require(not lost, f"{len(lost)} acknowledged writes are lost: {sorted(lost)[:3]}")


def query_value(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]
