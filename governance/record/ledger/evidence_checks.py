"""Prove the sealed evidence of one job now: recompute all that can be, and say what was found.

It reads, in one snapshot, and changes nothing. What it finds does not rest on what the job's page
shows: it starts from the evidence's text and from the ledger, as somebody who doubts both would.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from governance.domain.canonical import sha256_hex
from governance.domain.errors import NotFoundError
from governance.domain.lifecycles import JOB_TERMINAL_STATES
from governance.models import AuditEvidence, GovernanceAudit, GovernanceJob, LedgerEntry
from governance.record.ledger.verification import one_snapshot, verify_ledger

JOB_ENDS = ("job.execution.completed", "job.execution.failed", "job.execution.cancelled")


@dataclass(frozen=True, slots=True)
class EvidenceCheck:
    """One claim, whether it holds, and in words what was found; `compared` is what was set apart.

    `compared` holds (what it is, its SHA-256) pairs.
    """

    claim: str
    holds: bool
    found: str
    compared: tuple[tuple[str, str], ...] = ()


def check_evidence(job_id: UUID) -> list[EvidenceCheck]:
    """Every claim about the evidence of an ended job, checked now; all hold, or it is not proven.

    Raises NotFoundError (`job_not_found`, or `evidence_not_sealed` of a job that has not ended).
    """
    with one_snapshot():
        job = GovernanceJob.objects.filter(pk=job_id).values("status", "contract_id").first()
        if job is None:
            raise NotFoundError(f"There is no job {job_id}.", code="job_not_found")
        evidence = AuditEvidence.objects.filter(job_id=job_id).first()
        if evidence is None and job["status"] not in JOB_TERMINAL_STATES:
            raise NotFoundError(
                "This job has no sealed evidence yet: it has not ended.", code="evidence_not_sealed"
            )
        chain = _chain(job["contract_id"])
        if evidence is None:
            return [
                EvidenceCheck(SEALED, False, "The job has ended, but its evidence is gone."),
                chain,
            ]
        computed = sha256_hex(evidence.body)
        return [
            _seal(evidence, computed),
            _entry(job["contract_id"], computed),
            chain,
            *_verdict(job_id, computed),
        ]


SEALED = "The sealed text has the SHA-256 that it was sealed with."
IN_LEDGER = "The ledger's entry that ended the job names this SHA-256."
LINKED = "The contract's ledger is one unbroken chain, and the record is what it vouches for."
JUDGED = "The auditor's verdict is on exactly this evidence."


def _seal(evidence: AuditEvidence, computed: str) -> EvidenceCheck:
    holds = computed == evidence.sha256
    found = "It has." if holds else "It has another one: the text or its digest was rewritten."
    compared = (("Kept with the text", evidence.sha256), ("Recomputed from the text", computed))
    return EvidenceCheck(SEALED, holds, found, compared)


def _entry(contract_id: UUID, computed: str) -> EvidenceCheck:
    ends = list(
        LedgerEntry.objects.filter(contract_id=contract_id, event__in=JOB_ENDS)
        .order_by("seq")
        .values_list("seq", "body")
    )
    if len(ends) != 1:
        found = "Two entries end the job." if ends else "No entry of the ledger ends the job."
        return EvidenceCheck(IN_LEDGER, False, found)
    [(seq, body)] = ends
    named = _named_in(body)
    holds = named == computed
    found = f"Entry {seq} does." if holds else f"Entry {seq} names another one."
    if not named:
        found = f"Entry {seq} names none that could be read."
    compared = ((f"Named by entry {seq}", named), ("Recomputed from the text", computed))
    return EvidenceCheck(IN_LEDGER, holds, found, compared)


def _named_in(body: str) -> str:
    """The evidence's digest in an entry's body; empty where there is none to be read."""
    try:
        named = json.loads(body)["records"]["evidence_sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return named if isinstance(named, str) else ""


def _chain(contract_id: UUID) -> EvidenceCheck:
    checked = next(verify_ledger([contract_id]), None)
    if checked is None:
        return EvidenceCheck(LINKED, False, "There is no such contract any more.")
    if checked.finding:
        return EvidenceCheck(
            LINKED, False, f"Entry {checked.finding.seq}: {checked.finding.problem}."
        )
    return EvidenceCheck(LINKED, True, f"It is: {checked.entries} entries, each checked.")


def _verdict(job_id: UUID, computed: str) -> Sequence[EvidenceCheck]:
    """Nothing where nobody has judged yet."""
    named = GovernanceAudit.objects.filter(job_id=job_id).values_list("evidence_sha256", flat=True)
    return [
        EvidenceCheck(
            JUDGED,
            digest == computed,
            "It is." if digest == computed else "It is on another one.",
            (("Named by the verdict", digest), ("Recomputed from the text", computed)),
        )
        for digest in named
    ]
