"""Remove archived contracts from the database. This cannot be undone.

Without --confirm the command only checks, and removes nothing. Each file of the archive is verified
again, and the contract in the database must agree with it byte for byte. Then the rows of the
contract are deleted, and a tombstone remains: a row with the reference, the last hash of the
contract's chain, and the SHA-256 of the file. A contract that does not agree with its file is kept,
and the problem is printed. After a crash, run the command again; contracts that are removed already
are passed over.

The command needs the connection of the owner of the tables: GOVSITE_OWNER_DATABASE_URL, or the
embedded server. Keep the archive: govsite cannot load a contract back into the database.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import ClassVar

from django.utils import timezone

from governance.management.base import REFUSED, GovernanceCommand, PartlyRefused
from governance.management.progress import with_progress
from governance.management.roles import owner_alias
from governance.management.values import printable
from governance.record.retention.removal import Removal, RemovalOutcome, remove_archived


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples: ClassVar[tuple[str, ...]] = (
        "remove_archived /archive/2023",
        "remove_archived /archive/2023 --confirm",
    )
    exit_codes: ClassVar[dict[int, str]] = {
        0: "all contracts of the archive are removed (without --confirm: can be removed)",
        REFUSED: "some contracts were kept; or refused: not_the_owner, not_migrated, bad_archive, "
        "archive_unfinished, busy",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="The folder of the archive.")
        parser.add_argument(
            "--confirm",
            action="store_true",
            help="Remove the contracts. Confirm only if the archive is stored in a safe place.",
        )

    def run(self, *, folder: Path, confirm: bool) -> None:
        outcomes: Counter[RemovalOutcome] = Counter()
        kept: list[Removal] = []
        removals = remove_archived(
            folder, at=timezone.now(), using=owner_alias(), is_confirmed=confirm
        )
        for removal in with_progress(removals, unit="contracts"):
            outcomes[removal.outcome] += 1
            if removal.problem:
                kept.append(removal)
        problems = [
            {"contract_id": one.contract_id, "reference": one.reference, "problem": one.problem}
            for one in kept
        ]
        done = (
            f"{outcomes[RemovalOutcome.REMOVED]} removed"
            if confirm
            else f"{outcomes[RemovalOutcome.REMOVABLE]} can be removed (nothing was; --confirm "
            "removes them)"
        )
        self.report(
            {str(outcome): outcomes[outcome] for outcome in RemovalOutcome}
            | {"problems": problems},
            *(f"{printable(one.reference)} ({one.contract_id}): {one.problem}" for one in kept),
            f"{done}; {outcomes[RemovalOutcome.REMOVED_BEFORE]} removed before, {len(kept)} kept",
        )
        if kept:
            raise PartlyRefused
