"""Each part of the benchmark, as the command's options ask for it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from tqdm import tqdm

from tests.benchmarks.figures import Figure

# A progress bar of so many rounds, with its name.
Bar = Callable[[int, str], tqdm]


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
            f"Not installed, so not measured: {', '.join(missing)} (requirements-bench.txt).",
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
