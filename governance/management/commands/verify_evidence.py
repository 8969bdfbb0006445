"""`verify_evidence`: does this file prove what it says? Needs no database."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from governance.management.base import GovernanceCommand
from governance.management.jsonl import read_document
from governance.record.attest.keys import public_key
from governance.record.attest.statements import verify_statement

MAX_FILE_BYTES = 256 * 2**20


class Command(GovernanceCommand):
    help = """Check a signed file that `export_evidence --signed` wrote, without any database.

The signature must be by the key, the evidence must have the digest that was sealed, the ledger
entries must form one unbroken chain of the contract, and one of them must vouch for the evidence.
Says what the file proves."""

    has_json = True
    examples = (
        "verify_evidence evidence.dsse.json --key ledger_key.pub",
        "verify_evidence evidence.dsse.json --json",
    )
    exit_codes = {0: "the file proves what it says", 1: "it does not, or it cannot be read"}
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="The signed file.")
        parser.add_argument(
            "--key",
            type=Path,
            metavar="PEM",
            help="The public key that must have signed it (default: that of our own key).",
        )

    def run(self, *, file: str, key: Path | None, as_json: bool, **_: Any) -> None:
        envelope = read_document(file, largest=MAX_FILE_BYTES)
        proven = verify_statement(envelope, key=public_key(key))
        if as_json:
            self.print_json(asdict(proven))
            return
        self.say(f"evidence  {proven.evidence_sha256}")
        self.say(f"job       {proven.job_id}, {proven.job_status}")
        self.say(f"contract  {proven.contract_id}")
        self.say(f"ledger    {proven.entries} entries, unbroken; the last is {proven.last_event}")
