"""`python -m tests.fuzz`: send the API many requests that its schema allows or forbids."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
from collections.abc import Sequence

EPILOG = """examples:
  python -m tests.fuzz                            50 000 requests to all operations
  python -m tests.fuzz --cases 2000 report_step   2 000 requests to one operation
  python -m tests.fuzz --seed 17                  the same requests as a run that printed 17
exit codes:
  0    every response conforms to the schema
  1    some do not; each is printed with a request that shows it
  2    wrong usage
  130  interrupted"""


def main(argv: Sequence[str]) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from tqdm import tqdm

    from tests.fuzz.run import Findings, fuzz_all, operation_ids
    from tests.fuzz.world import make_world
    from tests.support.databases import cloned, ensure_template
    from tests.support.users import create_users

    options = read_arguments(argv, operation_ids())
    began, found, is_whole = time.monotonic(), Findings(), True
    print(f"seed {options.seed}", file=sys.stderr)
    try:
        with cloned(ensure_template()):
            world = make_world(create_users())
            with tqdm(total=options.cases, unit=" cases", disable=options.no_progress) as bar:
                fuzz_all(
                    options.operations or operation_ids(),
                    world,
                    cases=options.cases,
                    seed=options.seed,
                    found=found,
                    advance=bar.update,
                )
    except KeyboardInterrupt:
        print("Interrupted; these are the results until then.", file=sys.stderr)
        is_whole = False
    seconds = round(time.monotonic() - began)
    for fault, count in found.faults.items():
        print(f"{count} × {fault}\n")
    if options.json:
        figures = vars(found) | {"seed": options.seed, "seconds": seconds}
        print(json.dumps(figures, indent=2))
    else:
        print(f"{found.summary()}; {sum(found.faults.values())} faults; {seconds} s")
    if not is_whole:
        return 130
    return 1 if found.faults else 0


def read_arguments(argv: Sequence[str], operations: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description="Send the API requests that its schema allows or forbids, and check each "
        "response against the schema.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "operations",
        nargs="*",
        metavar="OPERATION",
        help="An operation id of the schema (default: all operations).",
    )
    parser.add_argument(
        "--cases",
        type=int,
        default=50_000,
        metavar="N",
        help="The least number of requests (default: 50000).",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        default=secrets.randbelow(2**31),
        help="Repeat the random choices of a run that printed N.",
    )
    parser.add_argument("--json", action="store_true", help="Print the results as JSON.")
    parser.add_argument("--no-progress", action="store_true", help="Show no progress bar.")
    options = parser.parse_args(argv)
    if options.cases < 1:
        parser.error("--cases must be a whole number above 0")
    for name in options.operations:
        if name not in operations:
            parser.error(f"there is no operation {name!r}; the ids are {', '.join(operations)}")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
