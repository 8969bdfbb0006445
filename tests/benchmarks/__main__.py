"""`python -m tests.benchmarks`: what we do, measured against what others do in the same run."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.benchmarks.database import bench_database
from tests.benchmarks.figures import Figure, table
from tests.benchmarks.names import PARTS, RECORD

FEWEST_CONTRACTS = 100
EPILOG = """examples:
  python -m tests.benchmarks                                  all of it; ten minutes on two cores
  python -m tests.benchmarks record --only activate,claim     two stories of the record
  python -m tests.benchmarks record --rounds 9 --clients 8 --json
exit codes:
  0    measured
  1    with --strict: a figure does not reach what was promised
  2    wrong usage
  130  interrupted"""


def main(argv: Sequence[str]) -> int:
    options = _read(argv)
    figures: list[Figure] = []
    try:
        with bench_database():
            for figure in _measured(options):
                figures.append(figure)
        code = int(options.strict and any(figure.met is False for figure in figures))
    except KeyboardInterrupt:
        code = 130
        print("Interrupted: this is what was measured until then.", file=sys.stderr)
    if options.json:
        print(json.dumps([figure.document() for figure in figures], indent=2))
    else:
        print(
            f"\n{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, "
            f"{os.cpu_count()} cores, Python {platform.python_version()}, "
            f"{options.prefill} contracts, {options.rounds} rounds\n"
        )
        for line in table(figures):
            print(line)
    return code


def _measured(options: argparse.Namespace) -> Iterator[Figure]:
    """The figures of every part that was asked for, on one database."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections
    from tqdm import tqdm

    from tests.benchmarks import parts
    from tests.benchmarks.inputs import prefill

    tqdm.monitor_interval = 0  # its thread would not survive a fork
    call_command("migrate", verbosity=0)

    def bar(total: int, what: str) -> tqdm[Any]:
        return tqdm(total=total, desc=f"{what:>10}", unit="", disable=options.no_progress or None)

    try:
        with bar(options.prefill, "contracts") as progress:
            prefill(options.prefill, advance=progress.update)
        for part in options.parts:
            yield from getattr(parts, part)(options, bar)
    finally:
        connections.close_all()


def _read(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measure what we do against what others do, in the same run: every figure is a "
        "ratio. A PostgreSQL of its own is started for it, which waits for the disk.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "parts",
        nargs="*",
        default=list(PARTS),
        metavar="PART",
        help=f"What to measure: {', '.join(PARTS)} (default: all).",
    )
    parser.add_argument(
        "--only",
        default=",".join(RECORD),
        metavar="A,B",
        help=f"Of record, only these: {', '.join(RECORD)}.",
    )
    parser.add_argument("--rounds", type=int, default=5, help="Rounds (default: %(default)s).")
    parser.add_argument(
        "--clients",
        type=int,
        nargs="+",
        default=[1, 8],
        metavar="N",
        help="At how many clients at once (default: 1 8).",
    )
    parser.add_argument(
        "--ops",
        type=int,
        default=200,
        help="Calls of one client in a round; of several, each makes half as many "
        "(default: %(default)s).",
    )
    parser.add_argument(
        "--prefill",
        type=int,
        default=5000,
        metavar="N",
        help="Contracts in the database beforehand (default: %(default)s).",
    )
    parser.add_argument(
        "--requests",
        type=int,
        nargs=2,
        default=[2000, 20_000],
        metavar=("FEW", "MANY"),
        help="Of memory: after how many requests a worker is looked at (default: 2000 20000).",
    )
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")
    parser.add_argument("--no-progress", action="store_true", help="Show no progress bars.")
    parser.add_argument(
        "--strict", action="store_true", help="Exit with 1 where a figure misses its promise."
    )
    options = parser.parse_args(argv)
    options.clients = sorted(set(options.clients))
    options.only = list(dict.fromkeys(options.only.split(",")))
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    options.parts = [part for part in PARTS if part in options.parts]
    if unknown := set(options.only) - set(RECORD):
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    if min(options.rounds, options.ops, *options.clients) < 1:
        parser.error("rounds, ops and clients are at least 1")
    if options.prefill < FEWEST_CONTRACTS:
        parser.error(f"--prefill is at least {FEWEST_CONTRACTS}: some of each kind")
    few, many = options.requests
    if not 100 <= few < many:
        parser.error("--requests are at least 100, and then more")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
