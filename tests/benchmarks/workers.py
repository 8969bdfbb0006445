"""`workers`: jobs run by workers, how soon they begin, and what the registry costs a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice
from statistics import median, quantiles
from uuid import UUID

import psycopg
from django.db import connections

from governance.domain.values import JobStatus
from governance.flows.activate_contract import activate_contract
from governance.models import Account, GovernanceJob
from tests.benchmarks import implementations
from tests.benchmarks.database import owner_session
from tests.benchmarks.figures import Figure
from tests.benchmarks.inputs import Item, inputs
from tests.benchmarks.names import EMPTY
from tests.benchmarks.queues import (
    WORKERS,
    defer_empty_tasks,
    empty_workers,
    governed_workers,
    wait_until_empty,
)
from tests.benchmarks.rounds import in_turns
from tests.support.routing import routes_file

Advance = Callable[[int], object]

RUNS = "runs"  # the queue of jobs
WARM_UP = 12
# A block of reports on one side: so many jobs, with so many steps each.
JOBS_IN_BLOCK, STEPS = 2, 10
TRIGGER = "governance_stepresult {} TRIGGER registry_follows_result"


def measure_workers(*, rounds: int, ops: int, advance: Advance) -> Iterator[Figure]:
    """Yield the figures of workers; a round has half as many jobs as other parts have calls."""
    jobs = max(1, ops // 2)
    number = WARM_UP + rounds * jobs + max(2, ops)
    items = iter(inputs("approved", number, steps=3, registered=True))
    with (
        owner_session() as session,
        routes_file() as routes,
        governed_workers(routes),
    ):
        with empty_workers(session):
            yield _rates(session, items, jobs=jobs, rounds=rounds, advance=advance)
        yield _delays(session, items)
    yield _registry(rounds=rounds, ops=ops, advance=advance)
    connections.close_all()


def _rates(
    session: psycopg.Connection,
    items: Iterator[Item],
    *,
    jobs: int,
    rounds: int,
    advance: Advance,
) -> Figure:
    """Compare jobs with pairs of empty tasks, from the first activation to the end of the last."""

    def governed(number: int) -> float:
        began = time.perf_counter()
        made = [_activate(item) for item in islice(items, number)]
        wait_until_empty(session, RUNS)
        took = time.perf_counter() - began
        _require_completed(made)
        return number / took

    def empty(number: int) -> float:
        began = time.perf_counter()
        defer_empty_tasks(session, number)
        wait_until_empty(session, EMPTY)
        return number / (time.perf_counter() - began)

    governed(WARM_UP)
    empty(WARM_UP)
    rates = in_turns(
        rounds,
        [WORKERS],
        ours=lambda _, about: governed(jobs),
        baseline=lambda _, about: empty(jobs),
        advance=advance,
    )[WORKERS]
    return Figure(
        part="workers",
        measure="jobs of three `registry` steps, activated and run by two workers",
        clients=WORKERS,
        unit="/s",
        ours=rates.ours,
        baseline=rates.baseline,
        against="two empty tasks a job",
        target=0.30,
    )


def _delays(session: psycopg.Connection, items: Iterator[Item]) -> Figure:
    """Measure the time from an activation to RUNNING; each begins after the last job has ended."""
    made = []
    for item in items:
        made.append(_activate(item))
        wait_until_empty(session, RUNS)
    _require_completed(made)
    delays = [
        1000 * (started_at - created_at).total_seconds()
        for created_at, started_at in GovernanceJob.objects.filter(pk__in=made).values_list(
            "created_at", "started_at"
        )
        if started_at
    ]
    return Figure(
        part="workers",
        measure=f"from activation to RUNNING, p99 of {len(delays)} : p50",
        clients=1,
        unit="ms",
        ours=[quantiles(delays, n=100, method="inclusive")[98]],
        baseline=[median(delays)],
        against="p50",
        target=1000,
        at_most=True,
        absolute=True,
    )


def _registry(*, rounds: int, ops: int, advance: Advance) -> Figure:
    """Compare reports with those while the registry does not follow them, in short blocks."""
    pairs = max(1, ops // (JOBS_IN_BLOCK * STEPS))
    number = 2 * JOBS_IN_BLOCK * pairs * (rounds + 1)
    items = iter(inputs("started", number, steps=STEPS, registered=True))
    record = implementations.ours()["record"]

    def timed_block() -> list[float]:
        times = []
        for item in islice(items, JOBS_IN_BLOCK):
            for step in range(STEPS):
                began = time.perf_counter()
                record((item, step))
                times.append(1000 * (time.perf_counter() - began))
        return times

    ours, baseline = [], []
    with owner_session() as owner:
        for turn in range(-1, rounds):  # the first warms up
            with_registry: list[float] = []
            without: list[float] = []
            for pair in range(pairs):
                for follows in (True, False) if pair % 2 else (False, True):
                    _set_trigger(owner, follows=follows)
                    (with_registry if follows else without).extend(timed_block())
            if turn >= 0:
                ours.append(median(with_registry))
                baseline.append(median(without))
                advance(1)
        _set_trigger(owner, follows=True)
    return Figure(
        part="workers",
        measure="report of a step that the registry follows, median",
        clients=1,
        unit="ms",
        ours=ours,
        baseline=baseline,
        against="without the trigger",
        target=1.15,
        at_most=True,
    )


def _set_trigger(owner: psycopg.Connection, *, follows: bool) -> None:
    owner.execute(f"ALTER TABLE {TRIGGER.format('ENABLE ALWAYS' if follows else 'DISABLE')}")


def _activate(item: Item) -> UUID:
    operator = Account.objects.get(username="operator")
    return activate_contract(contract_id=item.contract, actor=operator).pk


def _require_completed(jobs: list[UUID]) -> None:
    others = GovernanceJob.objects.filter(pk__in=jobs).exclude(status=JobStatus.COMPLETED)
    if left := others.count():
        raise RuntimeError(f"{left} of {len(jobs)} jobs were not completed by the workers.")
