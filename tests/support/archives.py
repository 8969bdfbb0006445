"""Archives for tests: contracts of each terminal kind, and calls of the archive commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from governance.authorities.contract.comments import add_comment
from governance.domain.canonical import canonical_text, sha256_hex
from governance.domain.values import AuditVerdict, ContractStatus
from governance.flows.audit_by_machine import ask_for_attempt
from governance.flows.audit_job import resolve_audit
from governance.flows.review_contract import reject_contract
from governance.models import SystemContract
from governance.record.ledger.verification import verify_ledger
from governance.record.retention.archive_directory import MANIFEST, contract_file
from tests.support.attacks import run_sql
from tests.support.chains import chain_head
from tests.support.commands import CommandResult, run
from tests.support.factories import answered, contract_in, judged, now, reloaded, running_job
from tests.support.forgery import NOON
from tests.support.observations import observe
from tests.support.succession import modified
from tests.support.users import Users


def archive(folder: Path, *arguments: str) -> CommandResult:
    """Export all contracts that are terminal now."""
    before = ("--before", now().isoformat())
    return run("archive_contracts", *before, "--to", folder, *arguments)


def remove(folder: Path, *arguments: str) -> CommandResult:
    return run("remove_archived", folder, "--confirm", *arguments)


def verify(folder: Path, *arguments: str) -> CommandResult:
    return run("verify_archive", folder, *arguments)


def discussed(users: Users) -> SystemContract:
    """Return a REJECTED contract with a question, an answer and a comment."""
    contract = answered(users)
    add_comment(contract_id=contract.pk, person=users.viewer, text="A good question.")
    return reject_contract(
        contract_id=contract.pk, founder=users.founder, reason="Not this quarter."
    )


def resolved(users: Users) -> SystemContract:
    """Return a COMPLETED contract, whose audit a person resolved after another attempt."""
    running = running_job(users)
    observe(running)
    running.complete_steps()
    job = judged(users, running.complete(), AuditVerdict.INCONCLUSIVE)
    ask_for_attempt(job_id=job.pk, person=users.second_auditor)
    resolve_audit(
        job_id=job.pk,
        verdict=AuditVerdict.PASS,
        reason="I looked at it again.",
        resolver=users.second_auditor,
    )
    return reloaded(job.contract)


def superseded(users: Users) -> SystemContract:
    """Return a REJECTED contract whose successor is still a DRAFT."""
    return reloaded(reloaded(modified(users)).parent)


AT_REST: dict[str, Callable[[Users], SystemContract]] = {
    "completed": lambda users: contract_in(users, ContractStatus.COMPLETED),
    "failed": lambda users: contract_in(users, ContractStatus.FAILED),
    "rejected": lambda users: contract_in(users, ContractStatus.REJECTED),
    "expired": lambda users: contract_in(users, ContractStatus.EXPIRED),
    "discussed": discussed,
    "resolved": resolved,
    "superseded": superseded,
}


def everything_at_rest(users: Users) -> list[SystemContract]:
    """Return one contract of each terminal kind; two open contracts exist beside them."""
    for status in (ContractStatus.ELIGIBLE, ContractStatus.ACTIVE):
        contract_in(users, status)
    return [make(users) for make in AT_REST.values()]


def path_of(folder: Path, contract: SystemContract) -> Path:
    return folder / contract_file(str(contract.pk))


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / MANIFEST).read_text().splitlines()]


def rewrite(folder: Path, contract: SystemContract, change: Callable[[Any], Any]) -> None:
    """Change a file of an archive, and its digest in the manifest, as a forger would."""
    path = path_of(folder, contract)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(canonical_text(document) + "\n")
    lines = lines_of(folder)
    for line in lines:
        if line["contract_id"] == str(contract.pk):
            line["sha256"] = sha256_hex(path.read_text())
    (folder / MANIFEST).write_text("".join(canonical_text(line) + "\n" for line in lines))


def findings() -> list[Any]:
    return [checked.finding for checked in verify_ledger() if checked.finding]


def tombstone_of(contract: SystemContract, **changes: Any) -> dict[str, Any]:
    """Return the columns of the correct tombstone, with `changes`."""
    head = chain_head(contract.pk)
    return {
        "contract_id": contract.pk,
        "reference": contract.reference,
        "proposal_digest": contract.proposal_digest,
        "parent_id": contract.parent_id,
        "status": str(contract.status),
        "entries": head.seq,
        "head_sha256": head.hash.hex(),
        "file_sha256": "0" * 64,
        "archived_at": NOON,
        "removed_at": NOON,
        "removed_by": "nobody",
        "transaction_id": 0,
    } | changes


def remove_with_tombstone(contract: SystemContract, **changes: Any) -> None:
    """Call the SQL function of `remove_archived` with a tombstone that has `changes`."""
    tombstone = json.dumps([tombstone_of(contract, **changes)], default=str)
    run_sql("SELECT governance_remove_contracts(%s::jsonb)", tombstone)
