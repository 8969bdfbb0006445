"""`python -m tests.fuzz`: ask the API what its schema allows and forbids, many times over."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
from collections.abc import Sequence

EPILOG = """examples:
  python -m tests.fuzz                            50 000 cases over every operation
  python -m tests.fuzz --cases 2000 report_step   2 000 cases of one operation
  python -m tests.fuzz --seed 17                  the lots of a run that printed 17
exit codes:
  0  every answer was one that the schema promises
  1  some were not; each is told with the request that shows it
  2  wrong usage
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
        print("Interrupted; this is what was found until then.", file=sys.stderr)
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
        description="Ask the API what its schema allows and forbids, and hold its answers to it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "operations", nargs="*", metavar="OPERATION", help="Which operations (default: all)."
    )
    parser.add_argument(
        "--cases", type=int, default=50_000, metavar="N", help="At least so many (default: 50000)."
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        default=secrets.randbelow(2**31),
        help="Draw the same lots again as a run that printed N.",
    )
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")
    parser.add_argument("--no-progress", action="store_true", help="Draw no progress bar.")
    options = parser.parse_args(argv)
    if options.cases < 1:
        parser.error("--cases must be a whole number above 0")
    for name in options.operations:
        if name not in operations:
            parser.error(f"there is no operation {name!r}; there are {', '.join(operations)}")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
