"""`python -m tests.stress`: attack govsite, and print the results."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

EPILOG = """examples:
  python -m tests.stress                              every attack, long version
  python -m tests.stress --short                      every attack, as often as in the suite
  python -m tests.stress concurrent-endings=50 edits  two attacks, the first one 50 times
exit codes:
  0    every attack was withstood
  1    an attack succeeded, or could not be run
  2    wrong usage
  130  interrupted"""


@dataclass(frozen=True)
class Outcome:
    name: str
    title: str
    count: int
    unit: str
    held: bool
    summary: str
    seconds: float
    numbers: dict[str, float]


def main(argv: Sequence[str]) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    # The sites and commands that an attack starts as processes use the site's own settings.
    os.environ["DJANGO_SETTINGS_MODULE"] = "govsite.settings"
    from tests.stress.catalogue import ATTACKS

    options = read_arguments(argv, ATTACKS)
    if options.list:
        for known in ATTACKS.values():
            print(f"{known.name:18} {known.long:>6} {known.unit:12} {known.title}")
        return 0
    if options.seed is not None:
        os.environ["STRESS_SEED"] = str(options.seed)
    outcomes = []
    try:
        for name, count in options.chosen.items():
            chosen = ATTACKS[name]
            count = count or (chosen.short if options.short else chosen.long)
            outcomes.append(run_attack(chosen, count, with_bar=not options.no_progress))
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    finally:
        report(outcomes, as_json=options.json)
    return 0 if all(outcome.held for outcome in outcomes) else 1


def read_arguments(argv: Sequence[str], attacks: dict[str, Any]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.stress",
        description="Attack govsite, and print a table of the results. Without names, every attack "
        "runs in its long version, which takes about an hour.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "attacks",
        nargs="*",
        metavar="ATTACK[=COUNT]",
        help="The name of an attack, and how often it is repeated (default: all attacks).",
    )
    parser.add_argument(
        "--short", action="store_true", help="Repeat each attack only as often as the test suite."
    )
    parser.add_argument("--list", action="store_true", help="List the attacks, and run none.")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="Repeat the random choices of a run that printed N."
    )
    parser.add_argument("--json", action="store_true", help="Print the results as JSON.")
    parser.add_argument("--no-progress", action="store_true", help="Show no progress bars.")
    options = parser.parse_args(argv)
    options.chosen = {}
    for word in options.attacks or attacks:
        name, _, count = word.partition("=")
        if name not in attacks:
            parser.error(f"there is no attack {name!r}; --list prints the names")
        if count and not (count.isascii() and count.isdigit() and int(count)):
            parser.error(f"{word!r}: the count must be a whole number above 0")
        options.chosen[name] = int(count or 0)
    return options


def run_attack(chosen: Any, count: int, *, with_bar: bool) -> Outcome:
    from tqdm import tqdm

    began = time.monotonic()
    numbers: dict[str, float] = {}
    with tqdm(
        total=count, desc=f"{chosen.name:18}", unit=f" {chosen.unit}", disable=not with_bar
    ) as bar:
        try:
            figure = chosen.run(count, bar.update)
            held, summary, numbers = True, figure.summary, dict(figure.numbers)
        except Exception as failure:  # noqa: BLE001 - any failure is reported in the table
            held, summary = False, f"BROKEN: {failure or type(failure).__name__}"
            with tqdm.external_write_mode(file=sys.stderr):
                traceback.print_exc()
    seconds = time.monotonic() - began
    return Outcome(
        chosen.name, chosen.title, count, chosen.unit, held, summary, round(seconds, 1), numbers
    )


def report(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    """Print the results as a Markdown table or as JSON."""
    where = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    python = f"Python {platform.python_version()}"
    when = datetime.now(UTC)
    if as_json:
        figures = [vars(outcome) for outcome in outcomes]
        document = {"at": when.isoformat(), "machine": f"{where}, {python}", "attacks": figures}
        print(json.dumps(document, indent=2))
        return
    print(f"\n{when:%Y-%m-%d}, {where}, {python}\n")
    rows = [("attack", "times", "withstood", "seconds")]
    rows += [
        (o.title, f"{o.count} {o.unit}", o.summary.splitlines()[0], f"{o.seconds:.0f}")
        for o in outcomes
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    rows.insert(1, tuple("-" * width for width in widths))  # type: ignore[arg-type]
    for row in rows:
        cells = " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"| {cells} |")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
