"""`make_load`: a large record to measure on, in a database that is thrown away afterwards."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any, ClassVar

from django.utils import timezone
from tqdm import tqdm

from governance.demo.load.filling import fill_database
from governance.demo.load.kinds import KINDS
from governance.management.base import REFUSED, GovernanceCommand
from governance.management.commands.load_demo import told_once
from governance.management.roles import owner_alias
from governance.vocabulary.errors import InvalidInputError


class Command(GovernanceCommand):
    help = """Fill an empty database with contracts by the thousand, to measure and to rehearse on.

A realistic mix: nine in ten are over (completed, failed, rejected, expired, over three years), the
rest wait for a founder, an activation, an executor or an auditor; one to twenty steps, words that
are common, middling and rare, capabilities that many or hardly any change. One contract of each
kind is played by the product itself, PostgreSQL makes the copies and hashes them anew: what
verify_ledger finds are real chains.

ONLY FOR A DATABASE THAT WILL BE THROWN AWAY, which --yes says that it is. The laws look away while
a batch is written, in its transaction alone; it works as the owner of the tables (on the embedded
server, or under DATABASE_OWNER_URL). Refused where a contract is that no load has made. The
passwords of the people it needs are printed once."""

    examples: ClassVar[tuple[str, ...]] = (
        "make_load --contracts 100000 --yes",
        "make_load --contracts 100000 --yes --more --seed 2",
    )
    exit_codes: ClassVar[dict[int, str]] = {
        REFUSED: "refused: not_empty, too_few, not_confirmed, somebody_else"
    }
    has_json = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--contracts",
            type=int,
            required=True,
            metavar="N",
            help=f"How many, {len(KINDS)} at least: one of each kind.",
        )
        parser.add_argument(
            "--seed", type=int, default=0, help="Another number, other words (default: 0)."
        )
        parser.add_argument(
            "--more", action="store_true", help="Add to what an earlier load has made."
        )
        parser.add_argument(
            "--yes", action="store_true", help="This database will be thrown away: go on."
        )
        parser.add_argument("--no-progress", action="store_true", help="Show no progress bar.")

    def run(
        self,
        *,
        contracts: int,
        seed: int,
        more: bool,
        yes: bool,
        no_progress: bool,
        as_json: bool,
        **_: Any,
    ) -> None:
        if not yes:
            raise InvalidInputError.whole(
                "A load is only for a database that will be thrown away: say so with --yes.",
                code="not_confirmed",
            )
        if contracts < len(KINDS):
            raise InvalidInputError.whole(
                f"At least {len(KINDS)} contracts, one of each kind.", code="too_few"
            )
        began = time.monotonic()
        with tqdm(
            total=contracts, unit="", desc="contracts", disable=True if no_progress else None
        ) as bar:
            logins = fill_database(
                contracts=contracts,
                at=timezone.now(),
                using=owner_alias(),
                seed=seed,
                more=more,
                advance=bar.update,
            )
        seconds = round(time.monotonic() - began, 1)
        if as_json:
            people = [{"username": login.username, "password": login.password} for login in logins]
            self.print_json({"contracts": contracts, "seconds": seconds, "logins": people})
            return
        self.say(f"{contracts} contracts in {seconds} s.")
        for line in told_once(logins) if logins else []:
            self.say(line)
