"""Recompute every hash chain, and compare the rows of the database with it: entries, results,
snapshots, evidence, approvals, statuses. For each contract that does not agree, the first bad entry
of its chain is printed. Unless contracts are named, the registry is also compared with its history,
and its history with the completed steps. Nothing is changed.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from governance.authorities.contract.queries import count_contracts, count_removed
from governance.db.clock import is_clock_replaced
from governance.management.base import REFUSED, GovernanceCommand, PartlyRefused
from governance.management.clock_check import CLOCK_REPLACED
from governance.management.progress import with_progress
from governance.management.values import add_key_argument, number_in, parse_id, printable
from governance.record.attest.checkpoints import (
    Checkpoint,
    compare_with_checkpoint,
    read_checkpoint,
)
from governance.record.attest.keys import public_key
from governance.record.ledger.verification import ArchiveReader, Finding, verify_ledger
from governance.record.retention.archive_verification import read_removed_record
from governance.services.registry.verification import verify_registry


class Command(GovernanceCommand):
    help = __doc__
    has_json = True
    examples: ClassVar[tuple[str, ...]] = (
        "verify_ledger",
        "verify_ledger 0197a0c2-0000-7000-8000-000000000000",
        "verify_ledger --checkpoint 2026-11-22.checkpoint --key ledger_key.pub",
        "verify_ledger --jobs 4",
        "verify_ledger --archive /archive/2022 --archive /archive/2023",
        "verify_ledger --json",
    )
    exit_codes: ClassVar[dict[int, str]] = {
        0: "every contract that was checked agrees with its chain, and the registry with its "
        "history",
        REFUSED: "a contract or a value of the registry does not agree, or a contract does not "
        "exist",
    }

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "contracts",
            nargs="*",
            type=parse_id,
            metavar="CONTRACT",
            help="The id of a contract to check; without any, all contracts are checked.",
        )
        parser.add_argument(
            "--jobs",
            type=number_in(range(1, 65)),
            default=1,
            metavar="N",
            help="The number of processes that verify all contracts, each with a connection of "
            "its own (default: 1, which leaves the other processors to the site).",
        )
        parser.add_argument(
            "--checkpoint",
            type=Path,
            metavar="FILE",
            help="Also compare every chain with this signed checkpoint. This finds chains that "
            "were hashed again, cut, or restored from an older backup.",
        )
        add_key_argument(parser, "the checkpoint's signature")
        parser.add_argument(
            "--archive",
            type=Path,
            action="append",
            default=[],
            metavar="DIR",
            help="Also compare every removed contract with its file in this archive; repeat the "
            "option for several archives. With --checkpoint, every entry is compared.",
        )

    def run(
        self,
        *,
        contracts: list[UUID],
        jobs: int,
        checkpoint: Path | None,
        key: Path | None,
        archive: list[Path],
    ) -> None:
        # Check the signature before the long work, so that a bad one is refused at once.
        signed = _signed(checkpoint, key) if checkpoint else None
        archived = partial(read_removed_record, archive) if archive else None
        waiting = set(contracts)
        count = entries = removed = 0
        findings: list[Finding] = []
        for checked in with_progress(
            verify_ledger(contracts or None, archived=archived, jobs=jobs),
            total=len(contracts) or count_contracts() + count_removed(),
            unit="contracts",
        ):
            count += not checked.is_removed
            removed += checked.is_removed
            waiting.discard(checked.contract_id)
            entries += checked.entries
            if checked.finding:
                findings.append(checked.finding)
        if checkpoint:
            findings = _with_those_of(checkpoint, findings, archived)
        findings += [Finding(missing, 1, "there is no such contract") for missing in waiting]
        registry = [] if contracts else list(verify_registry(archived))
        lines = [f"contract {one.contract_id}, entry {one.seq}: {one.problem}" for one in findings]
        lines += [f"registry, {one.name}: {one.problem}" for one in registry]
        if signed:
            lines.append(f"checkpoint of {signed.taken_at}: {signed.chains} chains, signed")
        gone = f", {removed} archived and removed" if removed else ""
        if clock_replaced := is_clock_replaced():
            self.stderr.write(f"Warning: {CLOCK_REPLACED}")
        self.report(
            {
                "contracts": count,
                "entries": entries,
                "removed": removed,
                "clock_replaced": clock_replaced,
                "checkpoint": asdict(signed) if signed else None,
                "findings": [asdict(finding) for finding in findings],
                "registry_findings": [asdict(finding) for finding in registry],
            },
            *map(printable, lines),
            f"{count} contracts, {entries} entries, {len(findings)} with findings{gone}",
        )
        if findings or registry:
            raise PartlyRefused


def _signed(path: Path, key: Path | None) -> Checkpoint:
    with path.open(encoding="utf-8", errors="replace") as lines:
        return read_checkpoint(lines, key=public_key(key))


def _with_those_of(
    path: Path, findings: list[Finding], archived: ArchiveReader | None
) -> list[Finding]:
    """Merge `findings` with those of the checkpoint; of each chain keep the first bad entry."""
    first = {finding.contract_id: finding for finding in findings}
    with path.open(encoding="utf-8", errors="replace") as lines:
        for finding in compare_with_checkpoint(lines, archived=archived):
            known = first.get(finding.contract_id)
            if known is None or finding.seq < known.seq:
                first[finding.contract_id] = finding
    return list(first.values())
