"""Verify a signed statement of `export_evidence --signed`. No database is needed.

The command checks four things: the signature, that the evidence has the digest of the statement,
that the ledger entries form one unbroken hash chain, and that an entry names the digest of the
evidence. It prints what the statement proves.
"""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path

from governance.management.base import GovernanceCommand
from governance.management.jsonl import read_document
from governance.management.values import add_key_argument
from governance.record.attest.keys import public_key
from governance.record.attest.statements import verify_statement

MAX_FILE_BYTES = 256 * 2**20


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples = (
        "verify_evidence evidence.dsse.json --key ledger_key.pub",
        "verify_evidence evidence.dsse.json --json",
    )
    exit_codes = {0: "the statement is valid", 1: "it is not valid, or cannot be read"}
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="The file with the signed statement.")
        add_key_argument(parser, "the signature")

    def run(self, *, file: str, key: Path | None) -> None:
        envelope = read_document(file, largest=MAX_FILE_BYTES)
        proven = verify_statement(envelope, key=public_key(key))
        self.report(
            asdict(proven),
            f"evidence  {proven.evidence_sha256}",
            f"job       {proven.job_id}, {proven.job_status}",
            f"contract  {proven.contract_id}",
            f"ledger    {proven.entries} entries, unbroken; the last is {proven.last_event}",
        )
