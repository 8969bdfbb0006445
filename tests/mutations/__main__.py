"""`python -m tests.mutations`: drop each guard in turn, and see its tests fail."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from tempfile import TemporaryFile
from typing import Any

EPILOG = """examples:
  python -m tests.mutations                          every guard, some minutes
  python -m tests.mutations ledger_chain             the guards that have this word in their names
  python -m tests.mutations "constraint: " --jobs 4  every constraint, four at a time
exit codes:
  0    the tests passed, and failed without any of the guards
  1    the tests failed with every guard, or passed without one
  2    wrong usage
  130  interrupted"""

# The exit code of pytest when tests failed. Wrong names and errors of pytest itself have others.
TESTS_FAILED = 1


@dataclass(frozen=True)
class Run:
    """A run of tests: its exit code and its output. `guard` is the dropped one, or empty."""

    guard: str
    code: int
    output: str


def main(argv: Sequence[str]) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from tqdm import tqdm

    from tests.mutations.table import read_table

    table = read_table()
    options = read_arguments(argv, table)
    if options.list:
        for guard in options.guards:
            print(guard, *table[guard], sep="\n    ")
        return 0
    chosen = {guard: table[guard] for guard in options.guards}
    every_test = sorted({test for tests in chosen.values() for test in tests})
    survived = 0
    try:
        with processes(options.jobs) as pool:
            print(f"{len(every_test)} tests with every guard", file=sys.stderr)
            whole = pool.apply(run_tests, [("", every_test)])
            if whole.code:
                print(f"The tests do not pass with every guard:\n{whole.output}")
                return 1
            runs = pool.imap_unordered(run_tests, chosen.items())
            for run in tqdm(runs, total=len(chosen), unit=" guards", disable=options.no_progress):
                if run.code != TESTS_FAILED:
                    survived += 1
                    tqdm.write(f"SURVIVED {run.guard}\n{run.output}", file=sys.stdout)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    print(f"{len(chosen)} guards dropped, {len(chosen) - survived} noticed, {survived} survived")
    return 1 if survived else 0


def read_arguments(argv: Sequence[str], table: Mapping[str, Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutations",
        description="Drop each trigger, constraint and refusal of the database and each guard in "
        "Python in turn, and run the tests that tests/mutations/table.toml names for it. They must "
        "pass before, and fail without the guard.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="Drop the guards that have one of these words in their names (default: all).",
    )
    parser.add_argument("--list", action="store_true", help="List the guards, and drop none.")
    parser.add_argument(
        "--jobs", type=int, default=2, metavar="N", help="Drop N guards at a time (default: 2)."
    )
    parser.add_argument("--no-progress", action="store_true", help="Show no progress bar.")
    options = parser.parse_args(argv)
    if options.jobs < 1:
        parser.error("--jobs must be a whole number above 0")
    for word in options.words:
        if not any(word in guard for guard in table):
            parser.error(f"there is no guard with {word!r} in its name; --list prints the names")
    options.guards = [
        guard
        for guard in table
        if not options.words or any(word in guard for word in options.words)
    ]
    return options


@contextmanager
def processes(jobs: int) -> Iterator[Any]:
    """Make a pool whose every task runs in a fresh fork of this process.

    So the imports, the start of the server and the template are paid for once.
    """
    from django.conf import settings
    from django.db import connections

    from tests.support.databases import ROOT, ensure_template

    import_module(settings.ROOT_URLCONF)
    ensure_template()
    connections.close_all()
    os.chdir(ROOT)
    with get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        yield pool


def run_tests(task: tuple[str, Sequence[str]]) -> Run:
    """Run the daily ones of the tests, without the guard, in this process."""
    import pytest

    from tests.mutations.drop import VARIABLE

    guard, tests = task
    os.environ[VARIABLE] = guard
    with TemporaryFile("w+") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        options = ["-q", "-x", "-m", "not long", "-p", "no:cacheprovider", "--tb=short"]
        code = pytest.main([*options, *(f"tests/{test}" for test in tests)])
        sys.stdout.flush()
        output.seek(0)
        return Run(guard, int(code), output.read())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
