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
from governance.retention.removal import Fate, Removal, remove_archived


class Command(GovernanceCommand):
    help = """Remove contracts that are in an archive from the database: the owner's act, for good.

Each file is verified anew, and the contract in the database must be, byte for byte, what the file
says. Then, in one transaction a batch, its tombstone is written (reference, where its chain ended,
the file's SHA-256) and its rows are removed. Whatever does not agree stays, and is named. Run it
again after a crash: what is removed is passed over.

Without --yes it looks and removes nothing. It works as the owner of the tables: under
DATABASE_OWNER_URL, or on the embedded server. Keep the archive: the database cannot bring a
contract back."""

    has_json = True
    examples: ClassVar[tuple[str, ...]] = (
        "remove_archived /archive/2023",
        "remove_archived /archive/2023 --yes",
    )
    exit_codes: ClassVar[dict[int, str]] = {
        0: "all that the archive lists is removed (without --yes: could be)",
        REFUSED: "some had to stay; or refused: not_the_owner, not_migrated, bad_archive, "
        "archive_unfinished, busy",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="The archive's folder.")
        parser.add_argument(
            "--yes", action="store_true", help="The archive is kept in a safe place: remove them."
        )

    def run(self, *, folder: Path, yes: bool, as_json: bool, **_: Any) -> None:
        fates: Counter[Fate] = Counter()
        kept: list[Removal] = []
        removals = remove_archived(folder, at=timezone.now(), using=owner_alias(), is_confirmed=yes)
        for removal in tqdm(removals, unit=" contracts", leave=False, disable=None):
            fates[removal.fate] += 1
            if removal.problem:
                kept.append(removal)
        if as_json:
            told = [
                {"contract_id": one.contract_id, "reference": one.reference, "problem": one.problem}
                for one in kept
            ]
            self.print_json({str(fate): fates[fate] for fate in Fate} | {"problems": told})
        else:
            for one in kept:
                self.say(f"{printable(one.reference)} ({one.contract_id}): {one.problem}")
            done = (
                f"{fates[Fate.REMOVED]} removed"
                if yes
                else f"{fates[Fate.REMOVABLE]} can be removed, none was: say --yes"
            )
            self.say(f"{done}; {fates[Fate.REMOVED_BEFORE]} removed before, {len(kept)} kept")
        if kept:
            raise PartlyRefused
