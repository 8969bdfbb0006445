"""`python -m tests.benchmarks.load`: fill a database with thousands of contracts for benchmarks.

It uses the database of `DATABASE_URL`, or the embedded one, as the owner of the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence

EPILOG = """examples:
  python -m tests.benchmarks.load --contracts 100000 --confirm
  python -m tests.benchmarks.load --contracts 100000 --confirm --append --seed 2
exit codes:
  0  the contracts are created
  1  refused: not_empty, invalid_input
  2  wrong usage"""


def main(argv: Sequence[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "govsite.settings")
    import django

    django.setup()
    from django.utils import timezone
    from tqdm import tqdm

    from governance.domain.errors import GovernanceError
    from governance.management.commands.load_demo import password_lines
    from governance.management.roles import owner_alias
    from tests.benchmarks.load.filling import fill_database
    from tests.benchmarks.load.kinds import KINDS

    options = _read(argv, minimum=len(KINDS))
    began = time.monotonic()
    disable = True if options.no_progress else None
    try:
        with tqdm(total=options.contracts, unit="", desc="contracts", disable=disable) as bar:
            logins = fill_database(
                contracts=options.contracts,
                at=timezone.now(),
                using=owner_alias(),
                seed=options.seed,
                append=options.append,
                advance=bar.update,
            )
    except GovernanceError as error:
        print(f"error: {error} ({error.code})", file=sys.stderr)
        return 1
    seconds = round(time.monotonic() - began, 1)
    if options.json:
        people = [{"username": login.username, "password": login.password} for login in logins]
        document = {"contracts": options.contracts, "seconds": seconds, "logins": people}
        print(json.dumps(document, indent=2))
        return 0
    print(f"{options.contracts} contracts in {seconds} s.")
    for line in password_lines(logins) if logins else []:
        print(line)
    return 0


def _read(argv: Sequence[str], *, minimum: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.load",
        description="Fill an empty database with contracts in every status, with jobs, evidence "
        "and correct hash chains. The triggers are disabled while a batch is written, in its "
        "transaction only. Use this only on a database that you will drop.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--contracts",
        type=int,
        required=True,
        metavar="N",
        help=f"The number of contracts, at least {minimum}.",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="Another seed gives other texts (default: 0)."
    )
    parser.add_argument(
        "--append", action="store_true", help="Add to the contracts of an earlier load."
    )
    parser.add_argument(
        "--confirm", action="store_true", help="Confirm that you will drop this database."
    )
    parser.add_argument("--json", action="store_true", help="Print the result as JSON.")
    parser.add_argument("--no-progress", action="store_true", help="Show no progress bar.")
    options = parser.parse_args(argv)
    if options.contracts < minimum:
        parser.error(f"at least {minimum} contracts, one of each kind")
    if not options.confirm:
        parser.error("this is only for a database that you will drop; confirm it with --confirm")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
