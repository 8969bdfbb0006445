"""`verify_ledger`: prove that nothing on record was rewritten."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from tqdm import tqdm

from governance.contract.queries import count_contracts
from governance.ledger.verification import Finding, verify_ledger
from governance.management.base import REFUSED, GovernanceCommand, PartlyRefused
from governance.management.values import identifier


class Command(GovernanceCommand):
    help = (
        "Recompute every hash chain and hold the record against it: entries, results, snapshots, "
        "evidence, approvals, statuses. Names each contract that does not fit, with the first bad "
        "entry of its chain. Changes nothing."
    )
    has_json = True
    examples: ClassVar[tuple[str, ...]] = (
        "verify_ledger",
        "verify_ledger 0197a0c2-0000-7000-8000-000000000000",
        "verify_ledger --json",
    )
    exit_codes: ClassVar[dict[int, str]] = {
        0: "every chain that was checked is whole",
        REFUSED: "at least one contract's record does not fit its chain",
    }

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "contracts",
            nargs="*",
            type=identifier,
            metavar="CONTRACT",
            help="Check only these contracts, by id; all of them unless given.",
        )

    def run(self, *, contracts: list[UUID], as_json: bool, **_: Any) -> None:
        waiting = set(contracts)
        count = entries = 0
        findings: list[Finding] = []
        for checked in tqdm(
            verify_ledger(contracts or None),
            total=len(contracts) or count_contracts(),
            unit=" contracts",
            leave=False,
            disable=not sys.stderr.isatty(),
        ):
            count += 1
            waiting.discard(checked.contract_id)
            entries += checked.entries
            if checked.finding:
                findings.append(checked.finding)
        findings += [Finding(missing, 1, "there is no such contract") for missing in waiting]
        if as_json:
            self.print_json(
                {
                    "contracts": count,
                    "entries": entries,
                    "findings": [asdict(finding) for finding in findings],
                }
            )
        else:
            for finding in findings:
                self.say(f"contract {finding.contract_id}, entry {finding.seq}: {finding.problem}")
            self.say(f"{count} contracts, {entries} entries, {len(findings)} with findings")
        if findings:
            raise PartlyRefused
