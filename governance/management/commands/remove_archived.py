"""`remove_archived`: take out of the database what an archive holds, and leave a tombstone."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

from django.utils import timezone
from tqdm import tqdm

from governance.management.base import REFUSED, GovernanceCommand, PartlyRefused
from governance.management.roles import owner_alias
from governance.management.values import printable
from governance.record.retention.removal import (
    Removal,
    RemovalOutcome,
    remove_archived,
)


class Command(GovernanceCommand):
    help = """Remove contracts that are in an archive from the database: the owner's act, for good.

Each file is verified anew, and the contract in the database must be, byte for byte, what the file
says. Then, in one transaction a batch, its tombstone is written (reference, where its chain ended,
the file's SHA-256) and its rows are removed. Whatever does not agree stays, and is named. Run it
again after a crash: what is removed is passed over.

Without --confirm it looks and removes nothing. It works as the owner of the tables: under
DATABASE_OWNER_URL, or on the embedded server. Keep the archive: the database cannot bring a
contract back."""

    has_json = True
    examples: ClassVar[tuple[str, ...]] = (
        "remove_archived /archive/2023",
        "remove_archived /archive/2023 --confirm",
    )
    exit_codes: ClassVar[dict[int, str]] = {
        0: "all that the archive lists is removed (without --confirm: could be)",
        REFUSED: "some had to stay; or refused: not_the_owner, not_migrated, bad_archive, "
        "archive_unfinished, busy",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="The archive's folder.")
        parser.add_argument(
            "--confirm",
            action="store_true",
            help="The archive is kept in a safe place: remove them.",
        )

    def run(self, *, folder: Path, confirm: bool, as_json: bool, **_: Any) -> None:
        outcomes: Counter[RemovalOutcome] = Counter()
        kept: list[Removal] = []
        removals = remove_archived(
            folder, at=timezone.now(), using=owner_alias(), is_confirmed=confirm
        )
        for removal in tqdm(removals, unit=" contracts", leave=False, disable=None):
            outcomes[removal.outcome] += 1
            if removal.problem:
                kept.append(removal)
        if as_json:
            problems = [
                {"contract_id": one.contract_id, "reference": one.reference, "problem": one.problem}
                for one in kept
            ]
            self.print_json(
                {str(outcome): outcomes[outcome] for outcome in RemovalOutcome}
                | {"problems": problems}
            )
        else:
            for one in kept:
                self.say(f"{printable(one.reference)} ({one.contract_id}): {one.problem}")
            done = (
                f"{outcomes[RemovalOutcome.REMOVED]} removed"
                if confirm
                else f"{outcomes[RemovalOutcome.REMOVABLE]} can be removed, none was: say --confirm"
            )
            self.say(
                f"{done}; {outcomes[RemovalOutcome.REMOVED_BEFORE]} removed before, "
                f"{len(kept)} kept"
            )
        if kept:
            raise PartlyRefused
