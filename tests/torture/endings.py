"""Complete, fail, cancel and time out race for one job: one of them ends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from random import random
from time import sleep
from typing import Any
from uuid import UUID

import httpx

from governance.flows import run_job
from governance.models import AuditEvidence, GovernanceJob, LedgerEntry
from governance.vocabulary.errors import GovernanceError
from governance.vocabulary.lifecycles import JOB_TERMINAL_STATES
from tests.support.cast import Cast, hire_cast
from tests.support.databases import cloned, ensure_template
from tests.support.rounds import Players, at_the_same_moment
from tests.support.sites import client_of, running_site
from tests.support.stories import Running, now, running_job
from tests.torture.attack import Advance, Figure, attack, require
from tests.torture.proof import require_whole_record

LONGEST_HESITATION = 0.03  # seconds


@attack(
    "endings",
    "complete, fail, cancel and time out race for one job",
    unit="rounds",
    short=12,
    long=500,
)
def endings(count: int, advance: Advance) -> Figure:
    ended: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    with cloned(ensure_template()):
        cast = hire_cast()
        with running_site() as address, Players(4) as players:
            who = (cast.executor, cast.executor, cast.operator)
            clients = [client_of(address, person) for person in who]
            for _ in range(count):
                running = running_job(cast)
                running.complete_steps(2)
                for answer in at_the_same_moment(contenders(running, clients, cast), players):
                    refused.update(answer)
                ended[the_one_ending(running.job.pk)] += 1
                advance(1)
            for client in clients:
                client.close()
        entries = require_whole_record()
    losers = sum(refused.values())
    return Figure(
        f"one terminal state and one terminal entry each ({told(ended)}); "
        f"{losers} losers, each 409 ({told(refused)}); {entries} entries verify",
        {"rounds": count, "losers": losers, **{f"ended_{k}": v for k, v in ended.items()}},
    )


def contenders(
    running: Running, clients: list[httpx.Client], cast: Cast
) -> list[Callable[[], list[str]]]:
    """Four who want the job to end, each differently; each returns its refusals' codes."""
    job_id = running.job.pk

    def report_and_complete(client: httpx.Client, status: str) -> list[str]:
        report = {
            "execution_token": running.token,
            "step_index": 2,
            "status": status,
            "started_at": "2026-11-02T09:00:00Z",
            "completed_at": "2026-11-02T09:00:01Z",
            "error": "It broke." if status == "FAILED" else "",
        }
        return refusals(client.post(f"jobs/{job_id}/results/", json=report)) + refusals(
            client.post(f"jobs/{job_id}/complete/", json={"execution_token": running.token})
        )

    def cancel(client: httpx.Client) -> list[str]:
        return refusals(client.post(f"jobs/{job_id}/cancel/", json={"reason": "Enough."}))

    def time_out() -> list[str]:
        try:
            run_job.fail_timed_out_job(
                job_id=job_id, actor=cast.operator, at=now() + timedelta(days=2)
            )
        except GovernanceError as refusal:
            return [refusal.code]
        return []

    moves = [
        lambda: report_and_complete(clients[0], "COMPLETED"),
        lambda: report_and_complete(clients[1], "FAILED"),
        lambda: cancel(clients[2]),
        time_out,
    ]
    return [hesitating(move) for move in moves]


def hesitating(move: Callable[[], list[str]]) -> Callable[[], list[str]]:
    """So that none of them wins every race for having the shortest way."""

    def play() -> list[str]:
        sleep(random() * LONGEST_HESITATION)
        return move()

    return play


def refusals(answer: httpx.Response) -> list[str]:
    """Nothing when it went through, else its code; anything but 2xx and 409 is a break."""
    if answer.is_success:
        return []
    require(answer.status_code == 409, f"{answer.status_code} {answer.text}")
    return [str(answer.json()["code"])]


def the_one_ending(job_id: UUID) -> str:
    job = GovernanceJob.objects.get(pk=job_id)
    require(job.status in JOB_TERMINAL_STATES, f"job {job_id} is {job.status}")
    endings = LedgerEntry.objects.filter(
        contract_id=job.contract_id, event__startswith="job.execution.", from_status="RUNNING"
    )
    told = list(endings.values_list("to_status", flat=True))
    require(told == [job.status], f"job {job_id} is {job.status}, the ledger tells {told}")
    require(AuditEvidence.objects.filter(job_id=job_id).count() == 1, f"evidence of {job_id}")
    return str(job.status)


def told(counted: Counter[Any]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counted.most_common())
