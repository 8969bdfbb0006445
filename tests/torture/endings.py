"""Completing, failing, cancelling and sweeping race for one job: one of them ends it.

Each round one of the contenders has a head start, in turn, or the one with the shortest way would
win them all; and in every other round all steps are reported before the race, so that nothing is
left to do but to complete.
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

from governance.flows.sweep import fail_timed_out_jobs
from governance.models import AuditEvidence, GovernanceJob, LedgerEntry
from governance.vocabulary.lifecycles import JOB_TERMINAL_STATES
from governance.vocabulary.values import JobStatus, StepStatus
from tests.support.cast import Cast, hire_cast
from tests.support.databases import cloned, ensure_template
from tests.support.rounds import Players, at_the_same_moment
from tests.support.sites import client_of, running_site
from tests.support.stories import Running, now, running_job
from tests.torture.attack import Advance, Figure, attack, require
from tests.torture.proof import require_whole_record

LONGEST_HESITATION = 0.06  # seconds
HEAD_START = 0.03
ENOUGH_TO_COMPARE = 60  # rounds
SMALLEST_SHARE = 0.02
# What a loser is told when it waited its turn; a law's own refusal would say that it did not.
LOST = {"job_immutable", "result_conflict", "steps_outstanding", "step_out_of_order"}

Move = Callable[[], list[str]]


@attack(
    "endings",
    "complete, fail, cancel and time out race for one job",
    unit="rounds",
    short=10,
    long=500,
)
def endings(count: int, advance: Advance) -> Figure:
    ended: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    with cloned(ensure_template()):
        cast = hire_cast()
        with ExitStack() as leaving:
            address = leaving.enter_context(running_site())
            players = leaving.enter_context(Players(5))
            who = (cast.executor, cast.executor, cast.executor, cast.operator)
            clients = [leaving.enter_context(client_of(address, person)) for person in who]
            for number in range(count):
                running = running_job(cast)
                running.complete_steps(2 + number % 2)
                moves = contenders(running, clients, cast)
                told = at_the_same_moment(hesitating(moves, favourite=number % 5), players)
                for answers in told:
                    refused.update(answers)
                ended[the_one_ending(running.job.pk)] += 1
                advance(1)
        entries = require_whole_record()
    if count >= ENOUGH_TO_COMPARE:
        fair = len(ended) == 4 and min(ended.values()) >= count * SMALLEST_SHARE
        require(fair, f"no fair race: {told_of(ended)}")
    swept = refused.pop("passed over by the sweep", 0)
    losers = sum(refused.values())
    return Figure(
        f"one terminal state and one terminal entry each ({told_of(ended)}); {losers} calls lost, "
        f"each 409 ({told_of(refused)}); {swept} sweeps came too late; {entries} entries verify",
        {"rounds": count, "losers": losers, **{f"ended_{k}": v for k, v in ended.items()}},
    )


def contenders(running: Running, clients: Sequence[httpx.Client], cast: Cast) -> list[Move]:
    """Five who want the job to end, each differently; each returns its refusals' codes."""
    job_id = running.job.pk

    def report(client: httpx.Client, status: str) -> list[str]:
        report = {
            "execution_token": running.token,
            "step_index": 2,
            "status": status,
            "started_at": "2026-11-02T09:00:00Z",
            "completed_at": "2026-11-02T09:00:01Z",
            "error": "It broke." if status == "FAILED" else "",
        }
        return refusals(client.post(f"jobs/{job_id}/results/", json=report))

    def complete(client: httpx.Client) -> list[str]:
        body = {"execution_token": running.token}
        return refusals(client.post(f"jobs/{job_id}/complete/", json=body))

    def cancel(client: httpx.Client) -> list[str]:
        return refusals(client.post(f"jobs/{job_id}/cancel/", json={"reason": "Enough."}))

    def sweep() -> list[str]:
        told = []
        for outcome in fail_timed_out_jobs(actor=cast.operator, at=now() + timedelta(days=2)):
            require(outcome.subject_id == job_id, f"the sweep took {outcome.subject_id}")
            if outcome.refusal is not None:
                require(outcome.somebody_was_first, f"the sweep was refused: {outcome.refusal}")
                told.append("passed over by the sweep")
        return told

    return [
        lambda: report(clients[0], "COMPLETED") + complete(clients[0]),
        lambda: report(clients[1], "FAILED") + complete(clients[1]),
        lambda: complete(clients[2]),
        lambda: cancel(clients[3]),
        sweep,
    ]


def hesitating(moves: Sequence[Move], *, favourite: int) -> list[Move]:
    """Every move after a moment of its own, but the favourite's at once."""

    def play(move: Move, pause: float) -> Move:
        def played() -> list[str]:
            sleep(pause)
            return move()

        return played

    return [
        play(move, 0 if number == favourite else HEAD_START + random() * LONGEST_HESITATION)
        for number, move in enumerate(moves)
    ]


def refusals(answer: httpx.Response) -> list[str]:
    """Nothing when it went through, else its code; anything but 2xx and LOST is a break."""
    if answer.is_success:
        return []
    require(answer.status_code == 409, f"{answer.status_code} {answer.text}")
    code = str(answer.json()["code"])
    require(code in LOST, f"a loser was refused as {code}: {answer.text}")
    return [code]


def the_one_ending(job_id: UUID) -> str:
    job = GovernanceJob.objects.get(pk=job_id)
    require(job.status in JOB_TERMINAL_STATES, f"job {job_id} is {job.status}")
    endings = LedgerEntry.objects.filter(
        contract_id=job.contract_id, event__startswith="job.execution.", from_status="RUNNING"
    )
    told = list(endings.values_list("to_status", flat=True))
    require(told == [job.status], f"job {job_id} is {job.status}, the ledger tells {told}")
    require(AuditEvidence.objects.filter(job_id=job_id).count() == 1, f"evidence of {job_id}")
    if job.status != JobStatus.FAILED:
        return str(job.status)
    failed = job.results.filter(status=StepStatus.FAILED).exists()
    return "FAILED by a step" if failed else "FAILED by the sweep"


def told_of(counted: Counter[Any]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counted.most_common())
