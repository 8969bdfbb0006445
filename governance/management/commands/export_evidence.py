"""Write the sealed evidence of a finished job, byte for byte as it was sealed.

The evidence goes to standard output or into a file, its SHA-256 to standard error. sha256sum is
enough to check it: the same digest is in the job's last ledger entry, in the API and in the
auditor's verdict. The command is refused if the stored evidence no longer has the stored digest.

With --signed the output is an in-toto statement in a DSSE envelope: the evidence and all ledger
entries of its contract, signed with the Ed25519 key in GOVSITE_LEDGER_SIGNING_KEY_FILE.
`verify_evidence`, or any other DSSE verifier, checks it without this database.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from uuid import UUID

from governance.authorities.orchestrator.queries import sealed_evidence_of
from governance.domain.canonical import canonical_text, sha256_hex
from governance.domain.errors import EvidenceMismatchError
from governance.management.base import GovernanceCommand
from governance.management.files import write_file
from governance.management.values import parse_id
from governance.record.attest.keys import signing_key
from governance.record.attest.statements import signed_statement


class Command(GovernanceCommand):
    help = __doc__

    examples = (
        "export_evidence 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11 | sha256sum",
        "export_evidence 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11 --output evidence.json",
        "export_evidence 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11 --signed --output evidence.dsse.json",
    )
    exit_codes = {
        1: "there is no such job, its evidence is not sealed yet or was altered, or the file exists"
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", metavar="JOB", type=parse_id, help="The id of the job.")
        parser.add_argument(
            "--output", metavar="FILE", help="Write to this file instead of standard output."
        )
        parser.add_argument(
            "--signed",
            action="store_true",
            help="Write a signed statement that contains the evidence, not the evidence alone.",
        )
        parser.add_argument("--force", action="store_true", help="Overwrite the file if it exists.")

    def run(self, *, job: UUID, output: str | None, signed: bool, force: bool) -> None:
        evidence = sealed_evidence_of(job)
        if sha256_hex(evidence.body) != evidence.sha256:
            raise EvidenceMismatchError("The stored evidence is not what was sealed.")
        content = evidence.body
        if signed:
            content = canonical_text(signed_statement(evidence, key=signing_key()))
        if output:
            write_file(Path(output), content.encode(), force=force)
        elif binary := getattr(self.stdout, "buffer", None):
            self.stdout.flush()
            binary.write(content.encode())
            binary.flush()
        else:
            self.stdout.write(content, ending="")
        self.note(f"sha256 {evidence.sha256}")
