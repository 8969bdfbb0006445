"""`record`: the operations of jobs, against the same rows written by hand in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connections

from governance.domain.changes import MAX_CHANGES
from tests.benchmarks import implementations
from tests.benchmarks.figures import Figure
from tests.benchmarks.inputs import OWNER, Item, inputs, long_job_input
from tests.benchmarks.mirror_tables import analyse, rows_written
from tests.benchmarks.rounds import calls_of, in_turns
from tests.benchmarks.waiting import Watch
from tests.benchmarks.worker_pool import Work, WorkerPool, shares_of

# PostgreSQL may choose a generic plan for a prepared statement after five executions.
WARM_UP = 12
LATE = "late"  # compares the last results of a long job with the first ones
WATCHED = "claim"


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure, on contracts with `steps` steps that the method `begins` of InputWriter makes.

    `ours` and `limit` name the work of each side. `size` is the part of the usual number of calls
    that makes a round. `reports` is the number of steps of each contract that are reported, in a
    call each.
    """

    title: str
    ours: str
    limit: str
    begins: str
    steps: int = 3
    target: float | None = None
    size: float = 1.0
    reports: int = 0


MEASURES = {
    "activate": Measure(
        "activate, 3 steps", "activate-transaction", "activate", "approved", 3, 0.50
    ),
    "activate-100": Measure(
        "activate, 100 steps", "activate-transaction", "activate", "approved", 100, 0.50, size=0.2
    ),
    "activate-flow": Measure(
        "activate, 3 steps, with reading health and line", "activate", "activate", "approved"
    ),
    "claim": Measure("claim, with reading the line", "claim", "claim", "pending", 3, 0.60),
    "start": Measure("start", "start-transaction", "start", "pending"),
    "record": Measure("record a step result", "record", "record", "started", 10, 0.50, reports=10),
    "complete": Measure("complete", "complete-transaction", "complete", "reported"),
    "complete-flow": Measure("complete, with reading health", "complete", "complete", "reported"),
    "cancel": Measure("cancel", "cancel-transaction", "cancel", "pending"),
    "whole": Measure(
        "whole path: activate, claim, 3 results, complete", "whole", "whole", "approved", size=0.3
    ),
}


def measure_record(
    only: Sequence[str],
    *,
    clients: Sequence[int],
    rounds: int,
    ops: int,
    advance: Callable[[int], object],
) -> Iterator[Figure]:
    """Yield the figures of the measures in `only`.

    A round is `ops` calls of one client, or half as many of each of several clients.

    Raises:
        RuntimeError: The two sides did not write the same rows, so they cannot be compared.
    """
    connections.close_all()
    with (
        WorkerPool(implementations.ours, max(clients)) as ours,
        WorkerPool(_limit_alone, max(clients)) as limit,
    ):
        for name in only:
            if name == LATE:
                yield _late(ours, rounds=rounds, ops=ops, advance=advance)
                continue
            yield from _compare(
                name, ours, limit, clients=clients, rounds=rounds, ops=ops, advance=advance
            )


def _limit_alone() -> dict[str, Work]:
    """Return the work of the limit, and close the connections of Django that it does not need."""
    works = implementations.limit()
    connections.close_all()
    return works


def _compare(
    name: str,
    ours: WorkerPool,
    limit: WorkerPool,
    *,
    clients: Sequence[int],
    rounds: int,
    ops: int,
    advance: Callable[[int], object],
) -> Iterator[Figure]:
    measure = MEASURES[name]
    calls = {many: _calls(measure, ops, many) for many in clients}
    warm_up = WARM_UP * max(clients)
    wanted = warm_up + rounds * sum(calls.values())
    items = inputs(measure.begins, -(-wanted // (measure.reports or 1)), steps=measure.steps)
    connections.close_all()
    left = iter(items)
    warm = _shares(measure, left, warm_up, max(clients))
    ours.do(measure.ours, warm)
    limit.do(measure.limit, warm)
    watches: list[Watch] = []

    def run_ours(many: int, shares: list[Sequence[Any]]) -> float:
        if name != WATCHED or many == 1:
            return calls[many] / ours.do(measure.ours, shares)
        with Watch() as watch:
            watches.append(watch)
            return calls[many] / ours.do(measure.ours, shares)

    rates = in_turns(
        rounds,
        clients,
        ours=run_ours,
        baseline=lambda many, shares: calls[many] / limit.do(measure.limit, shares),
        about=lambda many: _shares(measure, left, calls[many], many),
        advance=advance,
    )
    _require_same_rows(name, items)
    for many, kept in rates.items():
        yield Figure(
            part="record",
            measure=measure.title,
            clients=many,
            unit="/s",
            ours=kept.ours,
            baseline=kept.baseline,
            against="limit",
            target=measure.target,
        )
    if watches:
        yield Figure(
            part="record",
            measure="claimers seen waiting for each other",
            clients=max(clients),
            unit="times",
            ours=[watch.waits for watch in watches],
            baseline=[watch.samples for watch in watches],
            against="samples",
            target=0.0,
            at_most=True,
        )


def _late(ours: WorkerPool, *, rounds: int, ops: int, advance: Callable[[int], object]) -> Figure:
    """Compare the rate of the last step results of a very long job with that of its first ones.

    Two jobs with the maximum number of steps take part, one at each end.
    """
    each = min(ops, MAX_CHANGES // 2 // (rounds + 1))
    begun = MAX_CHANGES - each * rounds - WARM_UP
    late = long_job_input(MAX_CHANGES, reported=begun)
    early = long_job_input(MAX_CHANGES, reported=0)
    with connections[OWNER].cursor() as cursor:
        analyse(cursor)
    connections.close_all()
    rates: dict[UUID | None, list[float]] = {late.job: [], early.job: []}
    step = {late.job: begun, early.job: 0}
    for turn in range(-1, rounds):  # the first warms up
        many = each if turn >= 0 else WARM_UP
        for item in (late, early) if turn % 2 else (early, late):
            first = step[item.job]
            step[item.job] += many
            took = ours.do("record", [[(item, first + index) for index in range(many)]])
            if turn >= 0:
                rates[item.job].append(many / took)
        if turn >= 0:
            advance(1)
    return Figure(
        part="record",
        measure=f"the last results of a job of {MAX_CHANGES} steps",
        clients=1,
        unit="/s",
        ours=rates[late.job],
        baseline=rates[early.job],
        against="its first",
        target=0.90,
    )


def _calls(measure: Measure, ops: int, clients: int) -> int:
    """Return the number of calls of a round; if a job takes several calls, only whole jobs."""
    each = measure.reports or 1
    return calls_of(-(-ops * measure.size // each), clients) * each


def _shares(
    measure: Measure, left: Iterator[Item], calls: int, clients: int
) -> list[Sequence[Any]]:
    """Divide `calls` calls on the next unused items among the clients."""
    if not measure.reports:
        return shares_of([next(left) for _ in range(calls)], clients)
    jobs = [next(left) for _ in range(-(-calls // measure.reports))]
    return [
        [(job, step) for job in share for step in range(measure.reports)]
        for share in shares_of(jobs, clients)
    ]


def _require_same_rows(name: str, items: Sequence[Item]) -> None:
    with connections[OWNER].cursor() as cursor:
        rows = rows_written(cursor, [item.contract for item in items])
    if rows["public"] != rows["bare"]:
        raise RuntimeError(f"{name}: the two sides did not write the same rows: {rows}")
    connections.close_all()
