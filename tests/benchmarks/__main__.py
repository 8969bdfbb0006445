"""`python -m tests.benchmarks`: compare govsite with a baseline in the same run."""

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
  python -m tests.benchmarks                                  everything; ten minutes on two cores
  python -m tests.benchmarks record --only activate,claim     two measures of the part `record`
  python -m tests.benchmarks record --rounds 9 --clients 8 --json
exit codes:
  0    measured
  1    with --strict: a figure misses its target
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
        print("Interrupted; these are the figures until then.", file=sys.stderr)
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
    """Yield the figures of every requested part, measured on one database."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections
    from tqdm import tqdm

    from tests.benchmarks import parts
    from tests.benchmarks.inputs import prefill

    tqdm.monitor_interval = 0  # without the monitor thread, which does not survive a fork
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
        description="Compare the speed of govsite with a baseline in the same run: each figure is "
        "a ratio. The benchmark starts a PostgreSQL of its own, with fsync on. See "
        "docs/benchmarks.md.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "parts",
        nargs="*",
        default=list(PARTS),
        metavar="PART",
        help=f"The parts to measure: {', '.join(PARTS)} (default: all).",
    )
    parser.add_argument(
        "--only",
        default=",".join(RECORD),
        metavar="A,B",
        help=f"Of the part record, only these measures: {', '.join(RECORD)}.",
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="The number of rounds (default: %(default)s)."
    )
    parser.add_argument(
        "--clients",
        type=int,
        nargs="+",
        default=[1, 8],
        metavar="N",
        help="The numbers of concurrent clients, each of which is measured (default: 1 8).",
    )
    parser.add_argument(
        "--ops",
        type=int,
        default=200,
        help="The calls of a round with one client; with several clients, each makes half as many "
        "(default: %(default)s).",
    )
    parser.add_argument(
        "--prefill",
        type=int,
        default=5000,
        metavar="N",
        help="The number of contracts in the database before the first measure "
        "(default: %(default)s).",
    )
    parser.add_argument(
        "--requests",
        type=int,
        nargs=2,
        default=[2000, 20_000],
        metavar=("FEW", "MANY"),
        help="Of the part memory: after how many requests the memory is read "
        "(default: 2000 20000).",
    )
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")
    parser.add_argument("--no-progress", action="store_true", help="Show no progress bars.")
    parser.add_argument(
        "--strict", action="store_true", help="Exit with 1 if a figure misses its target."
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
        parser.error("--rounds, --ops and --clients must be at least 1")
    if options.prefill < FEWEST_CONTRACTS:
        parser.error(f"--prefill must be at least {FEWEST_CONTRACTS}, for some of each kind")
    few, many = options.requests
    if not 100 <= few < many:
        parser.error("--requests FEW must be at least 100, and MANY greater than FEW")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
