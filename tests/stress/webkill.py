"""The attack `webkill`: a web process is killed within a call, and the client calls again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import httpx
from django.db import connection

from governance.flows import run_job
from governance.flows.sweep import fail_timed_out_jobs
from governance.models import AuditEvidence, GovernanceJob, LedgerEntry, SystemContract
from tests.stress.attack import Advance, AttackResult, attack, require
from tests.stress.crash_points import CRASH_LOG, HEADER
from tests.stress.proof import require_whole_record
from tests.support.clock import as_of
from tests.support.databases import cloned, ensure_template
from tests.support.factories import apart, approved, finished_job, now, pending_job, running_job
from tests.support.sites import client_of, running_site
from tests.support.users import Users, create_users

MAX_LEFTOVER_SECONDS = 5.0  # until PostgreSQL has released the locks of a killed process


@dataclass(frozen=True)
class ApiCall:
    """One call of the API, and the contract that it is about."""

    contract_id: UUID
    path: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Move:
    """A call that writes: its caller, its one event in the ledger, its status when it succeeds, and
    the status and code when it was done before."""

    caller: str
    event: str
    succeeds: int
    done_already: tuple[int, str]
    prepare: Callable[[Users], ApiCall]


def of_job(job: GovernanceJob, action: str, **body: Any) -> ApiCall:
    return ApiCall(job.contract_id, f"jobs/{job.pk}/{action}/", body)


def activation(users: Users) -> ApiCall:
    contract = approved(users)
    return ApiCall(contract.pk, f"contracts/{contract.pk}/activate/", {})


def start(users: Users) -> ApiCall:
    return of_job(pending_job(users, **apart()), "start")


def claim(users: Users) -> ApiCall:
    return ApiCall(pending_job(users, **apart()).contract_id, "jobs/claim/", {})


def report(users: Users) -> ApiCall:
    """Prepare a report of the step that is due."""
    running = running_job(users, **apart())
    return of_job(running.job, "results", execution_token=running.token, **first_step())


def reports(users: Users) -> ApiCall:
    """Prepare a report in the form for several steps."""
    running = running_job(users, **apart())
    return of_job(running.job, "results", execution_token=running.token, results=[first_step()])


def first_step() -> dict[str, Any]:
    at = now().isoformat()
    return {"step_index": 0, "status": "COMPLETED", "started_at": at, "completed_at": at}


def completion(users: Users) -> ApiCall:
    running = running_job(users, **apart())
    running.complete_steps()
    return of_job(running.job, "complete", execution_token=running.token)


def cancellation(users: Users) -> ApiCall:
    return of_job(running_job(users, **apart()).job, "cancel", reason="No longer wanted.")


def verdict(users: Users) -> ApiCall:
    job = finished_job(users, **apart())
    return of_job(
        job,
        "verdict",
        verdict="PASS",
        reason="The evidence shows it.",
        evidence_sha256=job.evidence.sha256,
    )


MOVES: Mapping[str, Move] = {
    "activate": Move(
        "operator",
        "contract.activation.activated",
        201,
        (409, "contract_not_approved"),
        activation,
    ),
    "start": Move("executor", "job.execution.started", 200, (409, "invalid_job_transition"), start),
    "claim": Move("executor", "job.execution.started", 200, (204, ""), claim),
    "report": Move("executor", "job.step.completed", 201, (200, ""), report),
    "reports": Move("executor", "job.step.completed", 201, (200, ""), reports),
    "complete": Move(
        "executor", "job.execution.completed", 200, (409, "job_immutable"), completion
    ),
    "cancel": Move(
        "operator", "job.execution.cancelled", 200, (409, "job_immutable"), cancellation
    ),
    "verdict": Move("auditor", "contract.audit.passed", 201, (409, "verdict_exists"), verdict),
}

# The crash points (see `crash_points.py`), and the calls that reach them.
POINTS: Mapping[str, tuple[str, ...]] = {
    # A start and a claim lock and write in one SQL call.
    "lock": tuple(move for move in MOVES if move not in ("start", "claim")),
    "guard": ("activate", "report", "reports", "verdict"),
    "snapshot": ("complete", "activate", "cancel"),
    "contract": ("verdict",),
    "result": ("report", "reports"),
    "evidence": ("complete", "cancel"),
    "entries": tuple(MOVES),
    "commit": tuple(reversed(MOVES)),
    "committed": tuple(MOVES),
    "answer": ("claim", *reversed(MOVES)),
}
AFTER_COMMIT = ("committed", "answer")


@attack(
    "webkill",
    "kill -9 of the web process at 10 named points of 8 calls",
    unit="kills",
    short=12,
    long=300,
)
def webkill(count: int, advance: Advance) -> AttackResult:
    calls: Counter[str] = Counter()
    leftovers, retries, lost = [], [], 0
    with crashing_site() as (users, clients, crashes):
        for number in range(count):
            point, move = move_at(number)
            call = move.prepare(users)
            client = clients[move.caller]

            crash(client, call, point)
            killed_at = time.monotonic()
            leftovers.append(seconds_until_let_go())
            require_effects(move, call, 1 if point in AFTER_COMMIT else 0)

            answer = client.post(call.path, json=call.body)
            retries.append(time.monotonic() - killed_at)
            require_answer(move, answer, done=point in AFTER_COMMIT)
            calls["done" if point in AFTER_COMMIT else "new"] += 1
            require_effects(move, call, 1)
            lost += finish_job(users, client, move, call, token_lost=point in AFTER_COMMIT)
            advance(1)
        kinds = crashes(count)
        entries = require_whole_record()
    return AttackResult(
        f"{count} kills at {kinds} points, each call with one effect: {calls['new']} retries were "
        f"carried out, {calls['done']} were refused as done before; {lost} started jobs whose "
        f"token was lost ended FAILED by the sweep; locks were released after "
        f"{max(leftovers):.2f} s, retries answered after {max(retries):.1f} s at most; "
        f"{entries} entries verify",
        {
            "kills": count,
            "points": kinds,
            "slowest_leftover_seconds": max(leftovers),
            "slowest_retry_seconds": max(retries),
            "lost_starts": lost,
        },
    )


@contextmanager
def crashing_site() -> Iterator[tuple[Users, Mapping[str, httpx.Client], Callable[[int], int]]]:
    """Run a site with crash points.

    Yields:
        The users, a client for each caller, and a function that checks the number of crashes in
        the crash log and returns the number of different crash points.
    """
    with TemporaryDirectory() as folder, cloned(ensure_template()):
        users, crash_log = create_users(), Path(folder) / "crashes"
        environment = {
            "DJANGO_SETTINGS_MODULE": "tests.stress.crash_settings",
            "GUNICORN_CMD_ARGS": "--preload",  # so that the next worker process starts at once
            CRASH_LOG: str(crash_log),
        }

        def crashes(expected: int) -> int:
            points = crash_log.read_text().split()
            require(len(points) == expected, f"{len(points)} crashes, {expected} expected")
            return len(set(points))

        with running_site(environment) as address, ExitStack() as leaving:
            # A kept connection to a killed process would fail the next call.
            limits = httpx.Limits(max_keepalive_connections=0)
            clients = {
                caller: leaving.enter_context(
                    client_of(address, getattr(users, caller), limits=limits)
                )
                for caller in ("operator", "executor", "auditor")
            }
            yield users, clients, crashes


def move_at(number: int) -> tuple[str, Move]:
    """Return the crash point and the move of kill `number`: all points in turn, then new moves."""
    point = list(POINTS)[number % len(POINTS)]
    moves = POINTS[point]
    return point, MOVES[moves[number // len(POINTS) % len(moves)]]


def crash(
    client: httpx.Client, call: ApiCall, point: str, headers: Mapping[str, str] | None = None
) -> None:
    try:
        answer = client.post(call.path, json=call.body, headers={**(headers or {}), HEADER: point})
    except httpx.TransportError:
        return
    require(False, f"{call.path} answered {answer.status_code} and did not crash at {point!r}")


def seconds_until_let_go() -> float:
    """Wait until no transaction of a killed process is open; return the seconds."""
    began = time.monotonic()
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                " AND (xact_start IS NOT NULL OR pid IN (SELECT pid FROM pg_locks))"
            )
            [(left,)] = cursor.fetchall()
        waited = time.monotonic() - began
        if left == 0:
            return waited
        require(waited < MAX_LEFTOVER_SECONDS, f"{left} transactions of killed processes are open")
        time.sleep(0.01)


def require_effects(move: Move, call: ApiCall, expected: int) -> None:
    """Check that the call had `expected` effects, each with all its rows, and no others."""
    contract = SystemContract.objects.get(pk=call.contract_id)
    appended = LedgerEntry.objects.filter(contract=contract, event=move.event).count()
    require(appended == expected, f"{call.path}: {appended} × {move.event}, not {expected}")
    job = GovernanceJob.objects.filter(contract=contract).first()
    if job is None:
        require(contract.status == "APPROVED", f"{contract.pk} is {contract.status} without a job")
        return
    require(contract.status in ("ACTIVE", "COMPLETED"), f"a job of {contract.status}")
    births = LedgerEntry.objects.filter(contract=contract, event="job.activation.created").count()
    steps, results = job.steps.count(), job.results.count()
    ended = AuditEvidence.objects.filter(job=job).count()
    snapshots = job.snapshots.count()
    audits = int(hasattr(job, "audit"))
    require(births == 1 and steps == job.total_steps, f"job {job.pk} was written in part")
    require(results == job.current_step_index, f"job {job.pk}: {results} results")
    require(ended == int(job.ended_at is not None), f"job {job.pk}: {ended} evidence rows")
    require(snapshots == 1 + ended, f"job {job.pk}: {snapshots} snapshots")
    require(audits == int(contract.status == "COMPLETED"), f"job {job.pk}: {audits} audits")


def require_answer(move: Move, answer: httpx.Response, *, done: bool) -> None:
    code = answer.json().get("code", "") if answer.status_code == 409 else ""
    expected = move.done_already if done else (move.succeeds, "")
    found = (answer.status_code, code)
    require(found == expected, f"{answer.request.url.path}: {found}, not {expected}")


def finish_job(
    users: Users, client: httpx.Client, move: Move, call: ApiCall, *, token_lost: bool
) -> int:
    """Leave no pending job; a started job whose token was lost must end FAILED and not run again.

    Returns:
        1 if the token was lost, else 0.
    """
    job = GovernanceJob.objects.get(contract_id=call.contract_id)
    if job.status == "PENDING":
        run_job.cancel_job(job_id=job.pk, reason="Enough.", actor=users.operator)
    if not (token_lost and move.event == "job.execution.started"):
        return 0
    later = now() + timedelta(days=2)
    swept = [o for o in as_of(later, fail_timed_out_jobs, actor=users.operator) if o.status]
    require(str(job.pk) in {str(o.subject_id) for o in swept}, f"job {job.pk} was not swept")
    job = GovernanceJob.objects.get(pk=job.pk)
    require(job.status == "FAILED", f"lost job {job.pk} is {job.status}")
    again = client.post(f"jobs/{job.pk}/start/", json={})
    require(again.status_code == 409, f"lost job {job.pk} started again: {again.text}")
    claimed = client.post("jobs/claim/", json={})
    require(claimed.status_code == 204, f"a lost job was claimed: {claimed.text}")
    require_effects(move, call, 1)
    return 1
