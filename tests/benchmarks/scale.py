"""`python -m tests.benchmarks.scale`: time every page and call in small and large databases.

Each size is a database with real hash chains and with a site of its own, as in production
(gunicorn, sessions, tokens). The sites are called in alternation, so that only the size differs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.benchmarks.scale_databases import Made
    from tests.benchmarks.scale_sites import Timing

    Timings = Mapping[int, Mapping[str, Timing]]

FEWEST = 1_000  # with fewer contracts, some pages are empty
EPILOG = """examples:
  python -m tests.benchmarks.scale                           1 000, 100 000 and 1 000 000 contracts
  python -m tests.benchmarks.scale --keep                    keep the databases for the next run
  python -m tests.benchmarks.scale --contracts 1000 100000   two sizes; minutes
  python -m tests.benchmarks.scale --only home --calls 300   one page
exit codes:
  0  measured
  1  a call had an unexpected response
  2  wrong usage
  130  interrupted"""


def main(argv: Sequence[str]) -> int:
    options = _read(argv)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    try:
        made, timings = _run(options)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(_as_data(made, timings), indent=2))
    else:
        _print_databases(made)
        _print_timings(timings)
    return 0


def _run(options: argparse.Namespace) -> tuple[list[Made], Timings]:
    from tqdm import tqdm

    from tests.benchmarks.scale_databases import database_of
    from tests.benchmarks.scale_sites import WARMING, Timing, measure, visiting

    quiet = options.no_progress
    with ExitStack() as stack:
        made = []
        for size in sorted(options.contracts):
            with tqdm(total=size, desc=f"{size:>9} contracts", unit="", disable=quiet) as bar:
                database = database_of(size, keep=options.keep, advance=bar.update)
                made.append(stack.enter_context(database))
        visits = stack.enter_context(visiting(made, rounds=WARMING + options.calls))
        names = [name for name in visits[0].addresses if options.only in name]
        total = WARMING + options.calls
        with tqdm(total=total, desc="          calls", unit="", disable=quiet) as bar:
            measure(visits, names, calls=options.calls, advance=bar.update)
        timings = {
            one.contracts: {name: Timing.of(spans) for name, spans in visit.taken.items()}
            for one, visit in zip(made, visits, strict=True)
        }
        return made, timings


def _as_data(made: Sequence[Made], timings: Timings) -> dict[str, Any]:
    return {
        "databases": [asdict(one) for one in made],
        "calls": {
            size: {name: asdict(timing) for name, timing in of.items()}
            for size, of in timings.items()
        },
    }


def _print_databases(made: Sequence[Made]) -> None:
    print(
        f"\n{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}\n"
    )
    print("| contracts | made in | kilobytes a contract |\n|---|---|---|")
    for one in made:
        took = "kept" if one.seconds is None else f"{one.seconds:.0f} s"
        print(f"| {_spaced(one.contracts)} | {took} | {one.bytes / one.contracts / 1000:.1f} |")


def _print_timings(timings: Timings) -> None:
    sizes = sorted(timings)
    first, last = timings[sizes[0]], timings[sizes[-1]]
    heads = [f"p50 / p99 ms at {_spaced(size)}" for size in sizes]
    print(f"\n| call | {' | '.join(heads)} | p50 grows | p99 grows | kB |")
    print("|---" * (4 + len(sizes)) + "|")
    for name in first:
        cells = [f"{timings[size][name].p50:.1f} / {timings[size][name].p99:.1f}" for size in sizes]
        print(
            f"| {name} | {' | '.join(cells)} | {last[name].p50 / first[name].p50:.2f} × "
            f"| {last[name].p99 / first[name].p99:.2f} × "
            f"| {first[name].kilobytes:.0f} → {last[name].kilobytes:.0f} |"
        )


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _read(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.scale",
        description="Fill databases of several sizes with tests.benchmarks.load, and time every "
        "page of the admin and every call of the API in each, in alternation. See "
        "docs/benchmarks-at-scale.md.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--contracts",
        nargs="+",
        type=int,
        default=[1_000, 100_000, 1_000_000],
        metavar="N",
        help="The sizes of the databases, in contracts (default: 1000 100000 1000000).",
    )
    parser.add_argument(
        "--calls",
        type=int,
        default=100,
        help="How often each page and call is timed (default: %(default)s).",
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="TEXT",
        help="Time only the pages and calls whose name contains TEXT.",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="Keep the databases at the end, and use those that an earlier run kept.",
    )
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")
    parser.add_argument("--no-progress", action="store_true", help="Show no progress bars.")
    options = parser.parse_args(argv)
    if min(options.contracts) < FEWEST or options.calls < 2:
        parser.error(f"--contracts must be at least {FEWEST}, and --calls at least 2")
    if len(set(options.contracts)) < len(options.contracts):
        parser.error("--contracts must not repeat a size")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
