"""Write a signed checkpoint of the ledger: the last entry of each hash chain, and the
Merkle root of all of them.

Keep the checkpoint out of reach of everybody who can write to the database. Later,
`verify_ledger --checkpoint FILE` finds what the database alone cannot show: a chain that was
rewritten and hashed again, a chain that lost its last entries, an older backup. The checkpoint is
signed with the Ed25519 key in GOVSITE_LEDGER_SIGNING_KEY_FILE. Keep the public key (--public-key)
with the checkpoints.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.utils import timezone

from governance.authorities.contract.queries import count_contracts, count_removed
from governance.management.base import GovernanceCommand
from governance.management.progress import with_progress
from governance.record.attest.checkpoints import checkpoint_lines
from governance.record.attest.keys import public_pem, signing_key
from governance.record.files import replaced_file


class Command(GovernanceCommand):
    help = __doc__

    examples = (
        "checkpoint_ledger --output 2026-11-22.checkpoint",
        "checkpoint_ledger | gzip > 2026-11-22.checkpoint.gz",
        "checkpoint_ledger --public-key > ledger_key.pub",
    )
    exit_codes = {1: "the key cannot be used, or the file cannot be written"}

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="Write to this file instead of standard output; the file is written completely "
            "or not at all.",
        )
        what.add_argument(
            "--public-key",
            action="store_true",
            help="Print the public key that belongs to the signing key, as PEM, and nothing else.",
        )

    def run(self, *, output: Path | None, public_key: bool) -> None:
        key = signing_key()
        if public_key:
            self.stdout.write(public_pem(key.public_key()), ending="")
            return
        lines = with_progress(
            checkpoint_lines(key=key, at=timezone.now()),
            total=count_contracts() + count_removed() + 1,
            unit="chains",
        )
        if output is None:
            for line in lines:
                self.stdout.write(line)
            return
        chains = -1  # the last line is no chain
        with replaced_file(output) as file:
            for line in lines:
                file.write(f"{line}\n")
                chains += 1
        self.note(f"{output}: {chains} chains, signed")
