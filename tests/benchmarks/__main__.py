"""`python -m tests.benchmarks`: what is measured of the API, as ratios."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.benchmarks.api import Comparison

EPILOG = """examples:
  python -m tests.benchmarks          what HTTP adds to a call; a minute
  python -m tests.benchmarks --json   the same as JSON
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
    try:
        compared = _compare(template, options)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    if options.json:
        api = [asdict(one) | {"ratio": one.ratio} for one in compared]
        print(json.dumps({"api": api}, indent=2))
        return 0
    print(
        f"\n{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}"
    )
    _print_comparisons(compared)
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


def _read(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measure what HTTP adds to a call of the API.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--calls", type=int, default=200, help="Calls of each kind (default: %(default)s)."
    )
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")
    parser.add_argument("--no-progress", action="store_true", help="Show no progress bars.")
    options = parser.parse_args(argv)
    if options.calls < 2:
        parser.error("at least 2 calls")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
