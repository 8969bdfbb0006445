"""Recompute every digest, hash chain and seal of an archive. No database is needed.

Each file is compared with its SHA-256 in the manifest, and the rows in the file with the ledger
entries in the file, by the rules of verify_ledger. Each file that does not agree is printed. With
--key, the manifest must also have a valid signature of that key. No ledger entry covers comments,
so they are protected only by the SHA-256 of their file.
"""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

from governance.management.base import REFUSED, GovernanceCommand, PartlyRefused
from governance.management.progress import with_progress
from governance.management.values import printable
from governance.record.attest.keys import public_key
from governance.record.retention.archive_verification import CheckedFile, verify_archive
from governance.record.retention.signature import require_signature


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples: ClassVar[tuple[str, ...]] = (
        "verify_archive /archive/2023",
        "verify_archive /archive/2023 --key ledger_key.pub --json",
    )
    exit_codes: ClassVar[dict[int, str]] = {
        0: "every file is as it was archived",
        REFUSED: "at least one file does not verify; or refused: bad_archive, "
        "archive_unfinished, bad_signature",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="The folder of the archive.")
        parser.add_argument(
            "--key",
            type=Path,
            metavar="PEM",
            help="The public key of the manifest's signature; without it, the signature is not "
            "checked.",
        )

    def run(self, *, folder: Path, key: Path | None) -> None:
        # Check the signature before the long work, so that a bad one is refused at once.
        signed = require_signature(folder, key=public_key(key)) if key else None
        count = entries = 0
        findings: list[CheckedFile] = []
        for checked in with_progress(verify_archive(folder), unit="files"):
            count += bool(checked.contract_id)
            entries += checked.entries
            if checked.problem:
                findings.append(checked)
        lines = [f"{one.file} ({printable(one.reference)}): {one.problem}" for one in findings]
        if signed:
            lines.append(f"manifest of {signed.signed_at}: {signed.contracts} contracts, signed")
        self.report(
            {
                "contracts": count,
                "entries": entries,
                "signature": asdict(signed) if signed else None,
                "findings": [asdict(finding) for finding in findings],
            },
            *lines,
            f"{count} contracts, {entries} entries, {len(findings)} with findings",
        )
        if findings:
            raise PartlyRefused
