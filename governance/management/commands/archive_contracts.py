"""Export contracts that ended before a given time into files. Nothing is removed.

Each file has one contract that is REJECTED, EXPIRED, COMPLETED or FAILED, with everything that
belongs to it: ledger entries, signatures, questions, comments, job, steps, results, health
snapshots, evidence and verdicts. verify_archive checks the files without the database. A manifest
lists the files with their SHA-256. A file is written completely or not at all, and no file is
written twice. After a crash, or with a later --before, run the command again with the same folder.

A contract whose record does not verify is not exported; its id and the problem are printed. To
remove the exported contracts from the database, the owner of the tables runs remove_archived.
"""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from django.utils import timezone

from governance.management.base import REFUSED, GovernanceCommand, PartlyRefused
from governance.management.progress import with_progress
from governance.management.values import parse_day_or_time
from governance.record.attest.keys import signing_key
from governance.record.retention.archive_directory import open_archive
from governance.record.retention.export import archive_contracts, contracts_at_rest
from governance.record.retention.signature import sign_manifest


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples: ClassVar[tuple[str, ...]] = (
        "archive_contracts --before 2024-01-01 --to /archive/2023 --dry-run",
        "archive_contracts --before 2024-01-01 --to /archive/2023 --sign",
    )
    exit_codes: ClassVar[dict[int, str]] = {
        0: "all contracts that ended before DATE are in the archive",
        REFUSED: "some were not exported; or nothing was: in_the_future, archive_in_use, "
        "unusable_key",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--before",
            required=True,
            type=parse_day_or_time,
            metavar="DATE",
            help="Export contracts whose last ledger entry is older than this: a day, which means "
            "its start in UTC, or a time in RFC 3339 with its zone.",
        )
        parser.add_argument(
            "--to", required=True, type=Path, metavar="DIR", help="The folder of the archive."
        )
        parser.add_argument(
            "--sign",
            action="store_true",
            help="Sign the manifest with the Ed25519 key in GOVSITE_LEDGER_SIGNING_KEY_FILE, "
            "the key of checkpoint_ledger.",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Verify and count the contracts; write nothing."
        )

    def run(self, *, before: datetime, to: Path, sign: bool, dry_run: bool) -> None:
        # Read the key before the long work, so that an unusable key is refused at once.
        key = signing_key() if sign and not dry_run else None
        at = timezone.now()
        new = already = entries = 0
        problems = []
        with ExitStack() as stack:
            archive = None if dry_run else stack.enter_context(open_archive(to))
            for outcome in with_progress(
                archive_contracts(before=before, at=at, archive=archive),
                total=contracts_at_rest(before=before).count(),
                unit="contracts",
            ):
                if outcome.problem:
                    problems.append(outcome)
                elif outcome.file:
                    new += 1
                    entries += outcome.file[0].entries
                else:
                    already += 1
            if archive and key:
                sign_manifest(archive, key=key, at=at)
        done = "would be exported" if dry_run else "exported"
        self.report(
            {
                "exported": 0 if dry_run else new,
                "exportable": new,
                "entries": entries,
                "already_there": already,
                "signed": bool(key),
                "problems": [
                    {"contract_id": found.contract_id, "problem": found.problem}
                    for found in problems
                ],
            },
            *(f"contract {found.contract_id}, {found.problem}" for found in problems),
            f"{new} contracts {done}, {entries} entries, {already} already there, "
            f"{len(problems)} not exported{', signed' if key else ''}",
        )
        if problems:
            raise PartlyRefused
