"""`verify`: the verification of the whole ledger, against reading and hashing it only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from hashlib import sha256

import psutil
from django.db import connections

from governance.authorities.contract.queries import count_contracts
from governance.record.ledger.verification import verify_ledger
from tests.benchmarks.database import owner_session
from tests.benchmarks.figures import Figure

AT_ONCE = 2000
EARLY = 0.2
JOBS = 2


def measure_verify(*, rounds: int, advance: Callable[[int], object]) -> Iterator[Figure]:
    """Measure the entries per second of both, and the memory of the processes that verify."""
    share = int(count_contracts() * EARLY)
    connections.close_all()
    ours, baseline, early, late = [], [], [], []
    for turn in range(rounds):
        for what in ("verify", "hash") if turn % 2 else ("hash", "verify"):
            began = time.perf_counter()
            if what == "hash":
                baseline.append(_hash_all() / (time.perf_counter() - began))
                continue
            entries, first, last = _verify_all(share)
            ours.append(entries / (time.perf_counter() - began))
            early.append(first / 2**20)
            late.append(last / 2**20)
        advance(1)
    yield Figure(
        part="verify",
        measure=f"entries verified by verify_ledger --jobs {JOBS}",
        clients=1,
        unit="/s",
        ours=ours,
        baseline=baseline,
        against="read and hashed by one process",
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


def _verify_all(share: int) -> tuple[int, float, float]:
    """Return the entries, and the memory in bytes after `share` contracts and after the last."""
    entries = early = late = 0
    contracts = count_contracts()
    for number, checked in enumerate(verify_ledger(jobs=JOBS), start=1):
        entries += checked.entries
        if checked.finding:
            raise RuntimeError(f"The ledger does not verify: {checked.finding}")
        if number == share:
            early = _memory()
        if number == contracts:
            late = _memory()  # the processes end after the last contract
    return entries, early, late


def _memory() -> int:
    this = psutil.Process()
    return sum(one.memory_info().rss for one in (this, *this.children()))


def _hash_all() -> int:
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
