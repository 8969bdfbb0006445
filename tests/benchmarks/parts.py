"""The parts of the benchmark, called with the options of the command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any

from tqdm import tqdm

from tests.benchmarks.figures import Figure

# Given a number of rounds and a name, returns a progress bar.
Bar = Callable[[int, str], "tqdm[Any]"]


def record(options: argparse.Namespace, bar: Bar) -> Iterator[Figure]:
    from tests.benchmarks.record import LATE, measure_record

    turns = sum(1 if name == LATE else len(options.clients) for name in options.only)
    with bar(turns * options.rounds, "record") as progress:
        yield from measure_record(
            options.only,
            clients=options.clients,
            rounds=options.rounds,
            ops=options.ops,
            advance=progress.update,
        )


def peers(options: argparse.Namespace, bar: Bar) -> Iterator[Figure]:
    from tests.benchmarks.peers.measure import PEERS, installed, measure_peers

    here = installed()
    if missing := [name for name in PEERS if name not in here]:
        print(
            f"Not measured, because not installed: {', '.join(missing)} (requirements-bench.txt).",
            file=sys.stderr,
        )
    with bar(len(here) * len(options.clients) * options.rounds, "peers") as progress:
        yield from measure_peers(
            list(here),
            clients=options.clients,
            rounds=options.rounds,
            ops=options.ops,
            advance=progress.update,
        )


def http(options: argparse.Namespace, bar: Bar) -> Iterator[Figure]:
    from tests.benchmarks.over_http import CALLS, measure_http
    from tests.benchmarks.overhead import measure_overhead

    turns = len(CALLS) * len(options.clients) + 1
    with bar(turns * options.rounds, "http") as progress:
        yield from measure_http(
            clients=options.clients,
            rounds=options.rounds,
            ops=options.ops,
            advance=progress.update,
        )
        yield from measure_overhead(rounds=options.rounds, ops=options.ops, advance=progress.update)


def verify(options: argparse.Namespace, bar: Bar) -> Iterator[Figure]:
    from tests.benchmarks.verifying import measure_verify

    with bar(options.rounds, "verify") as progress:
        yield from measure_verify(rounds=options.rounds, advance=progress.update)


def workers(options: argparse.Namespace, bar: Bar) -> Iterator[Figure]:
    from tests.benchmarks.workers import measure_workers

    with bar(2 * options.rounds, "workers") as progress:
        yield from measure_workers(rounds=options.rounds, ops=options.ops, advance=progress.update)


def memory(options: argparse.Namespace, bar: Bar) -> Iterator[Figure]:
    from tests.benchmarks.memory import measure_memory

    few, many = options.requests
    with bar(many, "requests") as progress:
        yield from measure_memory(few=few, many=many, advance=progress.update)


def audit(options: argparse.Namespace, bar: Bar) -> Iterator[Figure]:
    from tests.benchmarks.auditing import measure_audits

    with bar(options.rounds, "audit") as progress:
        yield from measure_audits(rounds=options.rounds, advance=progress.update)


def validator(options: argparse.Namespace, bar: Bar) -> Iterator[Figure]:
    from tests.benchmarks.validating import measure_validator

    with bar(options.rounds, "validator") as progress:
        yield from measure_validator(rounds=options.rounds, advance=progress.update)
