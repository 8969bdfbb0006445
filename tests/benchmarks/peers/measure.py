"""`peers`: a change from activation to sealed evidence, against three steps in other programs."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec

import psycopg
from django.db import connections

from tests.benchmarks import implementations
from tests.benchmarks.database import another_database
from tests.benchmarks.figures import Figure
from tests.benchmarks.inputs import Item, inputs
from tests.benchmarks.rounds import calls_of, in_turns
from tests.benchmarks.worker_pool import WorkerPool, shares_of

WARM_UP = 20  # calls of each client, which also fill the peer's tables before ANALYZE
OURS_SIZE = 0.3  # the part of the usual number of calls that makes a round of govsite


@dataclass(frozen=True, slots=True)
class Peer:
    """A program to compare with; `module` runs it.

    With `at_once` the module gets the number of runs instead of one run at a time. `size` is the
    part of the usual number of calls that makes a round, small for a slow program.
    """

    package: str
    module: str
    title: str
    target: float | None = None
    size: float = 0.1
    at_once: bool = False


PEERS = {
    "dbos": Peer("dbos", "with_dbos", "DBOS, three steps", 3.0),
    "viewflow": Peer(
        "viewflow", "with_viewflow", "django-viewflow, start, approve, three tasks", 12.0
    ),
    "procrastinate": Peer(
        "procrastinate", "with_procrastinate", "procrastinate, defer and work", size=1, at_once=True
    ),
}


def installed() -> dict[str, Peer]:
    """Return the peers whose packages are installed."""
    return {name: peer for name, peer in PEERS.items() if find_spec(peer.package)}


def measure_peers(
    names: Sequence[str],
    *,
    clients: Sequence[int],
    rounds: int,
    ops: int,
    advance: Callable[[int], object],
) -> Iterator[Figure]:
    """Yield the figures of each of these peers."""
    calls = {many: calls_of(ops * OURS_SIZE, many) for many in clients}
    warm_up = WARM_UP * max(clients)
    each = warm_up + rounds * sum(calls.values())
    left = iter(inputs("approved", len(names) * each, steps=3))
    connections.close_all()
    with WorkerPool(implementations.ours, max(clients)) as ours:
        for name in names:
            peer = PEERS[name]
            ours.do("whole", shares_of([next(left) for _ in range(warm_up)], max(clients)))
            with another_database(name) as url, _started_pool(peer, url, max(clients)) as theirs:
                yield from _compare(
                    peer,
                    (ours, left, calls),
                    (theirs, {many: calls_of(ops * peer.size, many) for many in clients}),
                    rounds=rounds,
                    advance=advance,
                )


def _compare(
    peer: Peer,
    we: tuple[WorkerPool, Iterator[Item], dict[int, int]],
    they: tuple[WorkerPool, dict[int, int]],
    *,
    rounds: int,
    advance: Callable[[int], object],
) -> Iterator[Figure]:
    ours, left, our_calls = we
    theirs, their_calls = they

    def run_ours(many: int, _: None) -> float:
        share = shares_of([next(left) for _ in range(our_calls[many])], many)
        return our_calls[many] / ours.do("whole", share)

    def run_theirs(many: int, _: None) -> float:
        calls = their_calls[many]
        return calls / theirs.do("whole", _shares(peer, calls, many))

    rates = in_turns(rounds, list(our_calls), ours=run_ours, baseline=run_theirs, advance=advance)
    for many, kept in rates.items():
        yield Figure(
            part="peers",
            measure=f"whole path : {peer.title}",
            clients=many,
            unit="/s",
            ours=kept.ours,
            baseline=kept.baseline,
            against=peer.package,
            target=peer.target,
        )


def _started_pool(peer: Peer, url: str, size: int) -> WorkerPool:
    """Start the peer's worker pool, warm it up, and analyse the peer's tables."""
    module = import_module(f"tests.benchmarks.peers.{peer.module}")
    preparing = multiprocessing.get_context("spawn").Process(target=module.prepare, args=(url,))
    preparing.start()
    preparing.join()
    if preparing.exitcode:
        raise RuntimeError(f"{peer.package} could not be prepared; its own output is above.")
    pool = WorkerPool(partial(module.set_up_worker, url), size, apart=True)
    pool.do("whole", _shares(peer, WARM_UP * size, size))
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("VACUUM (ANALYZE)")
    return pool


def _shares(peer: Peer, calls: int, clients: int) -> list[Sequence[int]]:
    """Divide the calls among the clients, in the form that the peer needs."""
    shares = shares_of(range(calls), clients)
    return [[len(share)] for share in shares] if peer.at_once else shares
