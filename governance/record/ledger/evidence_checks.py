"""Checks of a job's sealed evidence: its digest, its ledger entry, the chain, and the verdict.

The checks read in one snapshot and change nothing. They recompute everything from the text of the
evidence and from the ledger, and trust no value that the job's page shows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from governance.domain.canonical import sha256_hex
from governance.domain.errors import EvidenceNotSealedError, JobNotFoundError
from governance.domain.lifecycles import JOB_TERMINAL_STATES
from governance.models import AuditEvidence, GovernanceAudit, GovernanceJob, LedgerEntry
from governance.record.ledger.verification import one_snapshot, verify_contract

JOB_ENDS = ("job.execution.completed", "job.execution.failed", "job.execution.cancelled")


@dataclass(frozen=True, slots=True)
class EvidenceCheck:
    """The result of a check: the claim, whether it holds, and a sentence on what was found.

    `compared` has (label, SHA-256) pairs of the digests that were compared.
    """

    claim: str
    holds: bool
    found: str
    compared: tuple[tuple[str, str], ...] = ()


def check_evidence(job_id: UUID) -> list[EvidenceCheck]:
    """Check every claim about the evidence of a job; the evidence is proven if all hold.

    Raises:
        JobNotFoundError: no such job.
        EvidenceNotSealedError: the job has not ended.
    """
    with one_snapshot():
        job = GovernanceJob.objects.filter(pk=job_id).values("status", "contract_id").first()
        if job is None:
            raise JobNotFoundError(job_id)
        evidence = AuditEvidence.objects.filter(job_id=job_id).first()
        if evidence is None and job["status"] not in JOB_TERMINAL_STATES:
            raise EvidenceNotSealedError
        chain = _chain(job["contract_id"])
        if evidence is None:
            return [
                EvidenceCheck(SEALED, False, "The job has ended, but its evidence is missing."),
                chain,
            ]
        computed = sha256_hex(evidence.body)
        return [
            _comparison(
                SEALED,
                "Stored with the text",
                evidence.sha256,
                computed,
                ("The two are equal.", "They differ: the text or its digest was changed."),
            ),
            _entry(job["contract_id"], computed),
            chain,
            *_verdict(job_id, computed),
        ]


SEALED = "The sealed text has the SHA-256 with which it was sealed."
IN_LEDGER = "The ledger entry that ended the job names this SHA-256."
LINKED = "The contract's ledger is an unbroken chain, and the recorded data agrees with it."
JUDGED = "The auditor's verdict is on exactly this evidence."


def _comparison(
    claim: str, label: str, named: str, computed: str, found: tuple[str, str]
) -> EvidenceCheck:
    """Compare a SHA-256 with the computed one; `found` says that they are equal, or differ."""
    compared = ((label, named), ("Recomputed from the text", computed))
    return EvidenceCheck(claim, named == computed, found[named != computed], compared)


def _entry(contract_id: UUID, computed: str) -> EvidenceCheck:
    ends = list(
        LedgerEntry.objects.filter(contract_id=contract_id, event__in=JOB_ENDS)
        .order_by("seq")
        .values_list("seq", "body")
    )
    if len(ends) != 1:
        found = "More than one entry ends the job." if ends else "No ledger entry ends the job."
        return EvidenceCheck(IN_LEDGER, False, found)
    [(seq, body)] = ends
    named = _named_in(body)
    differs = "names another SHA-256" if named else "names no readable SHA-256"
    texts = f"Entry {seq} names it.", f"Entry {seq} {differs}."
    return _comparison(IN_LEDGER, f"Named by entry {seq}", named, computed, texts)


def _named_in(body: str) -> str:
    """Read the evidence's digest from an entry's body; empty if it cannot be read."""
    try:
        named = json.loads(body)["records"]["evidence_sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return named if isinstance(named, str) else ""


def _chain(contract_id: UUID) -> EvidenceCheck:
    checked, _ = verify_contract(contract_id)
    if checked is None:
        return EvidenceCheck(LINKED, False, "The contract is missing.")
    if checked.finding:
        return EvidenceCheck(
            LINKED, False, f"Entry {checked.finding.seq}: {checked.finding.problem}."
        )
    return EvidenceCheck(LINKED, True, f"All {checked.entries} entries were checked.")


def _verdict(job_id: UUID, computed: str) -> Sequence[EvidenceCheck]:
    """Check that the verdict names this evidence; without a verdict there is nothing to check."""
    named = GovernanceAudit.objects.filter(job_id=job_id).values_list("evidence_sha256", flat=True)
    found = "The two are equal.", "The verdict is on other evidence."
    return [_comparison(JUDGED, "Named by the verdict", one, computed, found) for one in named]
