"""`python -m tests.benchmarks`: what is measured of the desk and of the API, as ratios."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.benchmarks.api import Comparison
    from tests.benchmarks.desk import Timing

EPILOG = """examples:
  python -m tests.benchmarks                        all of it; minutes
  python -m tests.benchmarks api                    what HTTP adds to a call; a minute
  python -m tests.benchmarks desk --json            1 000 contracts against 1 000 000
  python -m tests.benchmarks --contracts 500 20000  two other sizes
exit codes:
  0  measured
  2  wrong usage
  130  interrupted"""


def main(argv: Sequence[str]) -> int:
    options = _read(argv)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.conf import settings

    from tests.support.databases import ensure_template

    settings.SECURE_SSL_REDIRECT = False  # test clients speak HTTP
    settings.ALLOWED_HOSTS = ["testserver"]
    template = ensure_template()
    compared: list[Comparison] = []
    measured: dict[int, dict[str, Timing]] = {}
    try:
        if "api" in options.parts:
            compared = _compare(template, options)
        if "desk" in options.parts:
            sizes = sorted(options.contracts)
            measured = {size: _measure(template, size, options) for size in sizes}
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    if options.json:
        desk = {
            size: {name: asdict(timing) for name, timing in pages.items()}
            for size, pages in measured.items()
        }
        api = [asdict(one) | {"ratio": one.ratio} for one in compared]
        print(json.dumps({"api": api, "desk": desk}, indent=2))
        return 0
    print(
        f"\n{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}"
    )
    if compared:
        _print_comparisons(compared)
    if measured:
        _print_table(measured)
    return 0


def _compare(template: str, options: argparse.Namespace) -> list[Comparison]:
    """The API on a real site over a database of its own, thrown away afterwards."""
    from tqdm import tqdm

    from tests.benchmarks.api import measure_api
    from tests.support.cast import hire_cast
    from tests.support.databases import cloned

    with (
        cloned(template),
        tqdm(
            total=options.calls, desc="      API calls", unit="", disable=options.no_progress
        ) as bar,
    ):
        return measure_api(hire_cast(), calls=options.calls, advance=bar.update)


def _print_comparisons(compared: Sequence[Comparison]) -> None:
    print("\n| API, medians | ms | ms | ratio | at most |")
    print("|---" * 5 + "|")
    for one in compared:
        print(
            f"| {one.name} | {one.left:.1f} | {one.right:.1f} | {one.ratio:.2f} × "
            f"| {one.allowed:.1f} × |"
        )


def _measure(template: str, size: int, options: argparse.Namespace) -> dict[str, Timing]:
    """One database of that many contracts, thrown away afterwards."""
    from django.test import Client
    from tqdm import tqdm

    from tests.benchmarks.desk import measure
    from tests.benchmarks.population import populate
    from tests.support.cast import hire_cast
    from tests.support.databases import cloned

    quiet = options.no_progress
    with cloned(template):
        cast = hire_cast()
        with tqdm(total=size, desc=f"{size:>9} contracts", unit="", disable=quiet) as bar:
            waiting = populate(cast, size, bar.update)
        browser = Client()
        browser.force_login(cast.founder)
        with tqdm(total=options.calls, desc="          calls", unit="", disable=quiet) as bar:
            return measure(browser, waiting, calls=options.calls, advance=bar.update)


def _print_table(measured: Mapping[int, Mapping[str, Timing]]) -> None:
    small, large = min(measured), max(measured)
    print()
    heads = [f"p50 / p99 ms at {size:,}".replace(",", " ") for size in sorted(measured)]
    print(f"| page | queries | {' | '.join(heads)} | p50 grows | p99 grows |")
    print("|---" * (4 + len(measured)) + "|")
    for name, first in measured[small].items():
        last = measured[large][name]
        cells = [
            f"{measured[size][name].p50:.1f} / {measured[size][name].p99:.1f}"
            for size in sorted(measured)
        ]
        queries = str(first.queries)
        if first.queries != last.queries:
            queries += f" and {last.queries}"
        print(
            f"| {name} | {queries} | {' | '.join(cells)} "
            f"| {last.p50 / first.p50:.2f} × | {last.p99 / first.p99:.2f} × |"
        )


def _read(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measure what HTTP adds to a call of the API, and the founder's pages in a "
        "small and in a large database.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "parts",
        nargs="*",
        default=["api", "desk"],
        metavar="PART",
        help="What to measure: api, desk (default: both).",
    )
    parser.add_argument(
        "--contracts",
        nargs="+",
        type=int,
        default=[1_000, 1_000_000],
        metavar="N",
        help="How many contracts the databases hold (default: 1000 1000000).",
    )
    parser.add_argument(
        "--calls", type=int, default=200, help="Calls of each page (default: %(default)s)."
    )
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")
    parser.add_argument("--no-progress", action="store_true", help="Show no progress bars.")
    options = parser.parse_args(argv)
    if unknown := set(options.parts) - {"api", "desk"}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if min(options.contracts) < 500 or options.calls < 2:
        parser.error("at least 500 contracts and 2 calls")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
