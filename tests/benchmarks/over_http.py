"""`http`: a call against an empty call with the same authentication, on the same site."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connections

from governance.models import Account
from tests.benchmarks.figures import Figure
from tests.benchmarks.inputs import Item, inputs
from tests.benchmarks.rounds import calls_of, in_turns
from tests.benchmarks.website import Caller, website
from tests.benchmarks.worker_pool import Work, WorkerPool, shares_of
from tests.support.tokens import new_token

# Each of the site's connections prepares its statements and plans its triggers during this.
WARM_UP = 40


@dataclass(frozen=True, slots=True)
class MeasuredCall:
    """A call and its baseline; if `spends`, each call needs an approved contract of its own."""

    title: str
    ours: str
    empty: str
    spends: bool
    target: float | None = None


CALLS = (
    MeasuredCall("activate over HTTP, 3 steps", "activate", "empty-post", True, 0.50),
    MeasuredCall("… under an Idempotency-Key", "activate-keyed", "empty-post-keyed", True),
    MeasuredCall("page of 50 contracts over HTTP", "page", "empty-get", False),
)


def calls(address: str, token: str) -> dict[str, Work]:
    caller = Caller(address, token)

    def activate(item: Item, *, keyed: bool = False) -> None:
        caller.post(f"contracts/{item.contract}/activate/", keyed=keyed)

    return {
        "activate": activate,
        "activate-keyed": partial(activate, keyed=True),
        "empty-post": lambda item: caller.post("empty/"),
        "empty-post-keyed": lambda item: caller.post("empty/", keyed=True),
        "page": lambda item: caller.get("contracts/?page_size=50"),
        "empty-get": lambda item: caller.get("empty/"),
    }


def measure_http(
    *, clients: Sequence[int], rounds: int, ops: int, advance: Callable[[int], object]
) -> Iterator[Figure]:
    """Yield the figures of CALLS; a round has half as many calls as in other parts."""
    numbers = {many: calls_of(ops / 2, many) for many in clients}
    each = WARM_UP * max(clients) + rounds * sum(numbers.values())
    left = iter(inputs("approved", each * sum(call.spends for call in CALLS), steps=3))
    token = new_token(Account.objects.get(username="operator"))
    connections.close_all()
    with (
        website() as address,
        WorkerPool(partial(calls, address, token), max(clients)) as worker_pool,
    ):
        for call in CALLS:
            yield from _compare(call, worker_pool, left, numbers, rounds=rounds, advance=advance)


def _compare(
    call: MeasuredCall,
    worker_pool: WorkerPool,
    left: Iterator[Item],
    numbers: dict[int, int],
    *,
    rounds: int,
    advance: Callable[[int], object],
) -> Iterator[Figure]:
    def run(what: str, spends: bool, number: int, many: int) -> float:
        items: list[Any] = [next(left) if spends else None for _ in range(number)]
        return number / worker_pool.do(what, shares_of(items, many))

    warm_up, most = WARM_UP * max(numbers), max(numbers)
    run(call.ours, call.spends, warm_up, most)
    run(call.empty, False, warm_up, most)
    rates = in_turns(
        rounds,
        list(numbers),
        ours=lambda many, _: run(call.ours, call.spends, numbers[many], many),
        baseline=lambda many, _: run(call.empty, False, numbers[many], many),
        advance=advance,
    )
    for many, kept in rates.items():
        yield Figure(
            part="http",
            measure=call.title,
            clients=many,
            unit="/s",
            ours=kept.ours,
            baseline=kept.baseline,
            against="an empty call",
            target=call.target,
        )
