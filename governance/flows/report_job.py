"""The flow that gathers everything about a job and its contract into one report. It only reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from governance.authorities.audit.check_rows import check_rows, counted_checks
from governance.authorities.audit.comparison import values_of_each_step
from governance.authorities.audit.sealed_job import SealedJob
from governance.authorities.orchestrator.queries import steps_with_status
from governance.db.clock import database_now
from governance.domain.canonical import sha256_hex
from governance.domain.errors import JobNotFoundError
from governance.domain.record_wording import (
    actor_in_words,
    closing_in_words,
    event_in_words,
    job_end_in_words,
)
from governance.domain.wording import change_in_words, rollback_in_words
from governance.models import (
    AuditEvidence,
    GovernanceAudit,
    GovernanceJob,
    LedgerEntry,
    SystemContract,
)
from governance.record.ledger.queries import entries_of
from governance.record.ledger.verification import verify_contract

PEOPLE = ("created_by", "started_by", "ended_by")
CONTRACT_PEOPLE = ("contract__proposed_by", "contract__approved_by", "contract__closed_by")


def report_job(job_id: UUID) -> dict[str, Any]:
    """Return the report of a job: contract, verdicts, signatures, steps, audit, evidence, ledger.

    Times are datetimes, and changes are sentences.

    Raises:
        JobNotFoundError: no such job.
    """
    jobs = GovernanceJob.objects.select_related("contract", *PEOPLE, *CONTRACT_PEOPLE)
    job = jobs.filter(pk=job_id).first()
    if job is None:
        raise JobNotFoundError(job_id)
    contract = job.contract
    evidence = AuditEvidence.objects.filter(job=job).first()
    is_intact = evidence is not None and sha256_hex(evidence.body) == evidence.sha256
    sealed = SealedJob(evidence.document) if evidence and is_intact else None
    return {
        "reported_at": database_now(),
        "contract": _contract(contract),
        "validator_verdict": contract.validator_verdict,
        "eligibility_verdict": contract.eligibility_verdict,
        "signatures": _signatures(contract),
        "job": _job(job),
        "steps": _steps(job, sealed),
        "routes": sealed and list(sealed.routes.values()),
        "observations": _observations(job),
        "health": _health(job),
        "signals": sealed and sealed.signals,
        "audit": _audit(job),
        "attempts": [
            {"number": one.number, "attempted_at": one.attempted_at, **_judged(one)}
            for one in job.audit_attempts.all()
        ],
        "evidence": _evidence(evidence, is_intact=is_intact),
        "ledger": _ledger(contract),
    }


def _contract(contract: SystemContract) -> dict[str, Any]:
    return {
        "id": contract.pk,
        "reference": contract.reference,
        "title": contract.title,
        "description": contract.description,
        "status": contract.status,
        "risk_level": contract.risk_level,
        "rolls_back": contract.rolls_back_id,
        "approval_kind": contract.approval_kind,
        "source": contract.source,
        "requested_by": contract.requested_by,
        "proposed_by": contract.proposed_by.get_username(),
        "created_at": contract.created_at,
        "affected_capabilities": contract.affected_capabilities,
        "approved_by": _name(contract.approved_by),
        "approved_at": contract.approved_at,
        "window_opens_at": contract.window_opens_at,
        "window_closes_at": contract.window_closes_at,
        "content_sha256": contract.content_digest,
        "closed_by": _name(contract.closed_by),
        "closed_at": contract.closed_at,
        "closed_because": closing_in_words(contract.closed_reason),
    }


def _signatures(contract: SystemContract) -> list[dict[str, Any]]:
    return [
        {
            "founder": one.founder.get_username(),
            "signed_at": one.signed_at,
            "window_opens_at": one.window_opens_at,
            "window_closes_at": one.window_closes_at,
            "note": one.note,
            "content_sha256": one.content_digest,
            "view_sha256": one.view_digest,
        }
        for one in contract.signatures.select_related("founder")
    ]


def _job(job: GovernanceJob) -> dict[str, Any]:
    return {
        "id": job.pk,
        "status": job.status,
        "run_by": job.run_by,
        "steps": job.total_steps,
        "steps_reported": job.current_step_index,
        "created_at": job.created_at,
        "created_by": _name(job.created_by),
        "started_at": job.started_at,
        "started_by": _name(job.started_by),
        "ended_at": job.ended_at,
        "ended_by": _name(job.ended_by),
        "end_reason": job_end_in_words(job.status, job.end_reason),
    }


def _steps(job: GovernanceJob, sealed: SealedJob | None) -> list[dict[str, Any]]:
    """Return the steps, counted from 1, with their results and their values side by side."""
    values = values_of_each_step(sealed) if sealed else {}
    rows = []
    for step in steps_with_status(job):
        result = step["result"]
        rows.append(
            {
                "number": step["step_index"] + 1,
                "status": step["status"],
                "target": step["target"],
                "change": change_in_words(step["change"]),
                "rollback": rollback_in_words(step["rollback_action"]),
                "started_at": result and result.started_at,
                "completed_at": result and result.completed_at,
                "reported_by": result and result.recorded_by.get_username(),
                "error": result.error if result else "",
                "output": result and result.output,
                "values": [one.as_record() for one in values.get(step["step_index"], ())],
            }
        )
    return rows


def _observations(job: GovernanceJob) -> list[dict[str, Any]]:
    return [
        {
            "phase": one.phase,
            "step": None if one.step_index is None else one.step_index + 1,
            "scope": one.scope,
            "observer": one.observer,
            "state": one.state,
            "trouble": one.trouble,
            "observed_at": one.observed_at,
        }
        for one in job.observations.all()
    ]


def _health(job: GovernanceJob) -> dict[str, Any]:
    readings = {snapshot.phase: snapshot.reading for snapshot in job.snapshots.all()}
    return {"before": readings.get("BEFORE"), "after": readings.get("AFTER")}


def _audit(job: GovernanceJob) -> dict[str, Any] | None:
    found = GovernanceAudit.objects.select_related("author", "resolution__resolved_by")
    audit = found.filter(job=job).first()
    if audit is None:
        return None
    resolution = getattr(audit, "resolution", None)
    return {
        **_judged(audit),
        "author": audit.author.get_username(),
        "recorded_at": audit.recorded_at,
        "resolution": resolution
        and {
            "verdict": resolution.verdict,
            "reason": resolution.reason,
            "resolved_by": resolution.resolved_by.get_username(),
            "resolved_at": resolution.resolved_at,
        },
    }


def _judged(judgement: Any) -> dict[str, Any]:
    """Return verdict, reason and checks of a verdict, or of an attempt at one."""
    rows = check_rows(judgement.checks)
    return {
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "summary": counted_checks(rows) if rows else "",
        "checks": [
            {"title": row.title, "outcome": row.outcome, "reason": row.reason} for row in rows
        ],
    }


def _evidence(evidence: AuditEvidence | None, *, is_intact: bool) -> dict[str, Any] | None:
    if evidence is None:
        return None
    return {
        "sha256": evidence.sha256,
        "is_intact": is_intact,
        "bytes": len(evidence.body.encode()),
        "collected_at": evidence.collected_at,
    }


def _ledger(contract: SystemContract) -> dict[str, Any]:
    """Return the entries in words, and what the verification of the whole chain found."""
    checked, _ = verify_contract(contract.pk)
    finding = checked and checked.finding
    return {
        "is_verified": finding is None,
        "problem": f"Entry {finding.seq}: {finding.problem}" if finding else "",
        "entries": list(_entries(entries_of(contract.pk))),
    }


def _entries(entries: Iterable[LedgerEntry]) -> Iterable[Mapping[str, Any]]:
    for entry in entries:
        yield {
            "seq": entry.seq,
            "at": entry.at,
            "actor": actor_in_words(entry.actor, {}),
            "event": event_in_words(entry.event, entry.step_index),
            "from_status": entry.from_status,
            "to_status": entry.to_status,
            "hash": bytes(entry.hash).hex(),
        }


def _name(person: Any) -> str:
    return person.get_username() if person else ""
