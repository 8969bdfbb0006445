"""The attack `concurrent-endings`: five calls race to end one job, and exactly one may end it.

Each contender in turn has a head start; otherwise the fastest call would win every round. In every
other round all steps are reported before the race, so that the job only has to be completed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from random import random
from time import sleep
from typing import Any
from uuid import UUID

import httpx

from governance.domain.lifecycles import JOB_TERMINAL_STATES
from governance.domain.values import JobStatus, StepStatus
from governance.flows.sweep import fail_timed_out_jobs
from governance.models import AuditEvidence, GovernanceJob, LedgerEntry
from tests.stress.attack import Advance, AttackResult, attack, require
from tests.stress.proof import require_whole_record
from tests.support.clock import as_of
from tests.support.databases import cloned, ensure_template
from tests.support.factories import Running, now, running_job
from tests.support.rounds import WorkerThreads, run_simultaneously
from tests.support.sites import client_of, running_site
from tests.support.users import Users, create_users

MAX_HESITATION_SECONDS = 0.06  # seconds
HEAD_START = 0.03
ENOUGH_TO_COMPARE = 60  # rounds
MIN_SHARE = 0.02
# The errors of a call that is too late. Another code, as of a trigger, would mean that the call did
# not wait for the lock.
LOST = {"job_immutable", "result_conflict", "steps_outstanding", "step_out_of_order"}

Move = Callable[[], list[str]]


@attack(
    "concurrent-endings",
    "complete, fail, cancel and time out race for one job",
    unit="rounds",
    short=10,
    long=500,
)
def race_job_ends(count: int, advance: Advance) -> AttackResult:
    ended: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    with cloned(ensure_template()):
        users = create_users()
        with ExitStack() as leaving:
            address = leaving.enter_context(running_site())
            threads = leaving.enter_context(WorkerThreads(5))
            who = (users.executor, users.executor, users.executor, users.operator)
            clients = [leaving.enter_context(client_of(address, person)) for person in who]
            for number in range(count):
                running = running_job(users)
                running.complete_steps(2 + number % 2)
                moves = contenders(running, clients, users)
                results = run_simultaneously(hesitating(moves, favourite=number % 5), threads)
                for answers in results:
                    refused.update(answers)
                ended[require_single_end(running.job.pk)] += 1
                advance(1)
        entries = require_whole_record()
    if count >= ENOUGH_TO_COMPARE:
        fair = len(ended) == 4 and min(ended.values()) >= count * MIN_SHARE
        require(fair, f"one contender won too often: {listed(ended)}")
    swept = refused.pop("passed over by the sweep", 0)
    losers = sum(refused.values())
    return AttackResult(
        f"one terminal state and one terminal entry each ({listed(ended)}); {losers} calls lost, "
        f"each 409 ({listed(refused)}); {swept} sweeps were too late; {entries} entries verify",
        {"rounds": count, "losers": losers, **{f"ended_{k}": v for k, v in ended.items()}},
    )


def contenders(running: Running, clients: Sequence[httpx.Client], users: Users) -> list[Move]:
    """Return five calls that end the job in different ways; each returns its error codes."""
    job_id = running.job.pk

    def report(client: httpx.Client, status: str) -> list[str]:
        at = now().isoformat()
        report = {
            "execution_token": running.token,
            "step_index": 2,
            "status": status,
            "started_at": at,
            "completed_at": at,
            "error": "It broke." if status == "FAILED" else "",
        }
        return refusals(client.post(f"jobs/{job_id}/results/", json=report))

    def complete(client: httpx.Client) -> list[str]:
        body = {"execution_token": running.token}
        return refusals(client.post(f"jobs/{job_id}/complete/", json=body))

    def cancel(client: httpx.Client) -> list[str]:
        return refusals(client.post(f"jobs/{job_id}/cancel/", json={"reason": "Enough."}))

    def sweep() -> list[str]:
        results = []
        for outcome in as_of(now() + timedelta(days=2), fail_timed_out_jobs, actor=users.operator):
            require(outcome.subject_id == job_id, f"the sweep ended {outcome.subject_id}")
            if outcome.refusal is not None:
                require(outcome.moved_by_another, f"the sweep was refused: {outcome.refusal}")
                results.append("passed over by the sweep")
        return results

    return [
        lambda: report(clients[0], "COMPLETED") + complete(clients[0]),
        lambda: report(clients[1], "FAILED") + complete(clients[1]),
        lambda: complete(clients[2]),
        lambda: cancel(clients[3]),
        sweep,
    ]


def hesitating(moves: Sequence[Move], *, favourite: int) -> list[Move]:
    """Return the moves with random delays, but the favourite's without one."""

    def play(move: Move, pause: float) -> Move:
        def played() -> list[str]:
            sleep(pause)
            return move()

        return played

    return [
        play(move, 0 if number == favourite else HEAD_START + random() * MAX_HESITATION_SECONDS)
        for number, move in enumerate(moves)
    ]


def refusals(answer: httpx.Response) -> list[str]:
    """Return the error code of a response, if any; only 2xx and the codes of LOST may occur."""
    if answer.is_success:
        return []
    require(answer.status_code == 409, f"{answer.status_code} {answer.text}")
    code = str(answer.json()["code"])
    require(code in LOST, f"a loser was refused as {code}: {answer.text}")
    return [code]


def require_single_end(job_id: UUID) -> str:
    job = GovernanceJob.objects.get(pk=job_id)
    require(job.status in JOB_TERMINAL_STATES, f"job {job_id} is {job.status}")
    entries = LedgerEntry.objects.filter(
        contract_id=job.contract_id, event__startswith="job.execution.", from_status="RUNNING"
    )
    results = list(entries.values_list("to_status", flat=True))
    require(results == [job.status], f"job {job_id} is {job.status}, in the ledger {results}")
    require(AuditEvidence.objects.filter(job_id=job_id).count() == 1, f"evidence of {job_id}")
    if job.status != JobStatus.FAILED:
        return str(job.status)
    failed = job.results.filter(status=StepStatus.FAILED).exists()
    return "FAILED by a step" if failed else "FAILED by the sweep"


def listed(counted: Counter[Any]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counted.most_common())
