"""`verify`: the verification of the whole ledger, against reading and hashing it only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from hashlib import sha256

import psutil
from django.db import connections

from governance.authorities.contract.queries import count_contracts
from governance.record.ledger.verification import verify_ledger
from tests.benchmarks.database import owner_session
from tests.benchmarks.figures import Figure
from tests.benchmarks.worker_pool import Work, WorkerPool

AT_ONCE = 2000
EARLY = 0.2


def works() -> dict[str, Work]:
    """Return two kinds of work on the whole ledger: `verify` and `hash`."""

    def verify(share: int) -> tuple[int, float, float]:
        """Return the entries, and the memory in bytes after `share` and after all contracts."""
        process, early, entries = psutil.Process(os.getpid()), 0.0, 0
        for number, checked in enumerate(verify_ledger()):
            entries += checked.entries
            if checked.finding:
                raise RuntimeError(f"The ledger does not verify: {checked.finding}")
            if number == share:
                early = process.memory_info().rss
        return entries, early, process.memory_info().rss

    def hash_all(_: int) -> int:
        entries = 0
        with (
            owner_session() as session,
            session.transaction(),
            session.cursor(name="entries", binary=True) as cursor,
        ):
            cursor.itersize = AT_ONCE
            cursor.execute(
                "SELECT prev_hash, body, hash FROM governance_ledgerentry ORDER BY contract_id, seq"
            )
            for previous, body, hashed in cursor:
                entries += 1
                if sha256(previous + body.encode()).digest() != hashed:
                    raise RuntimeError("The hash of an entry is wrong.")
        return entries

    return {"verify": verify, "hash": hash_all}


def measure_verify(*, rounds: int, advance: Callable[[int], object]) -> Iterator[Figure]:
    """Measure the entries per second of both, and the memory of the process that verifies."""
    share = int(count_contracts() * EARLY)
    connections.close_all()
    ours, baseline, early, late = [], [], [], []
    with WorkerPool(works, 1) as worker_pool:
        for turn in range(rounds):
            for what in ("verify", "hash") if turn % 2 else ("hash", "verify"):
                took = worker_pool.do(what, [[share]])
                [outcome] = worker_pool.outcomes
                if what == "hash":
                    baseline.append(outcome / took)
                    continue
                entries, first, last = outcome
                ours.append(entries / took)
                early.append(first / 2**20)
                late.append(last / 2**20)
            advance(1)
    yield Figure(
        part="verify",
        measure="entries verified by one process",
        clients=1,
        unit="/s",
        ours=ours,
        baseline=baseline,
        against="read and hashed",
        target=50_000,
        absolute=True,
    )
    yield Figure(
        part="verify",
        measure="memory after all contracts : after a fifth of them",
        clients=1,
        unit="MiB",
        ours=late,
        baseline=early,
        against="after a fifth",
        target=1.05,
        at_most=True,
    )
