"""`memory`: the memory of one web worker after many requests, against that after few."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from django.db import connections

from governance.models import Account
from tests.benchmarks.figures import Figure
from tests.benchmarks.inputs import Item, inputs
from tests.benchmarks.website import Caller, first_of, web_workers, website
from tests.benchmarks.worker_pool import Work, WorkerPool
from tests.support.tokens import new_token

CLIENTS = 8
IN_A_TURN = 10  # requests in one turn of a client


def turns(address: str, token: str) -> dict[str, Work]:
    """Return the work `turn`: eight GETs, an activation, and a second one that is refused."""
    caller = Caller(address, token)

    def turn(item: Item) -> None:
        contract = f"contracts/{item.contract}/"
        caller.get("contracts/?page_size=50")
        caller.get(contract)
        caller.get(f"{contract}ledger/")
        caller.post(f"{contract}activate/")
        caller.post(f"{contract}activate/", expect=409)
        job = first_of(caller.get("jobs/?page_size=50"))
        caller.get(f"jobs/{job}/")
        caller.get(f"jobs/{job}/steps/")
        caller.get(f"jobs/{job}/progress/")
        caller.get("freezes/")

    return {"turn": turn}


def measure_memory(*, few: int, many: int, advance: Callable[[int], object]) -> Iterator[Figure]:
    """Measure the resident memory of a worker after `few` and after `many` mixed requests."""
    items = inputs("approved", many // IN_A_TURN, steps=3)
    token = new_token(Account.objects.get(username="operator"))
    connections.close_all()
    held: dict[int, float] = {}
    with (
        website(workers=1) as address,
        WorkerPool(partial(turns, address, token), CLIENTS) as worker_pool,
    ):
        [worker] = web_workers()
        done = 0
        while items:
            now, items = items[: few // IN_A_TURN], items[few // IN_A_TURN :]
            worker_pool.do("turn", [now[start::CLIENTS] for start in range(CLIENTS)])
            done += len(now) * IN_A_TURN
            held[done] = worker.memory_info().rss / 2**20
            advance(len(now) * IN_A_TURN)
    yield Figure(
        part="memory",
        measure=f"web worker after {done} requests : after {min(held)}",
        clients=CLIENTS,
        unit="MiB",
        ours=[held[done]],
        baseline=[held[min(held)]],
        against=f"after {min(held)}",
        target=1.05,
        at_most=True,
    )
