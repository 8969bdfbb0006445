"""Forged rows: valid like those of the operations, except for what a test changes.

Their times are the time that the clock of the test shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from governance.domain.canonical import canonical_text, sha256_hex, timestamp
from governance.domain.values import JobStatus
from governance.models import GovernanceJob, SystemContract
from governance.record.ledger.chain import entry_hash
from tests.support.attacks import insert_row, update_row
from tests.support.chains import chain_head
from tests.support.clock import clock_at, now

JOB = "governance_governancejob"
STEP = "governance_jobstep"
RESULT = "governance_stepresult"
SNAPSHOT = "governance_healthsnapshot"
EVIDENCE = "governance_auditevidence"
AUDIT = "governance_governanceaudit"
RESOLUTION = "governance_auditresolution"
LEDGER = "governance_ledgerentry"
CONTRACT = "governance_systemcontract"
SIGNATURE = "governance_approvalsignature"
ATTEMPT = "governance_auditattempt"

NOON = datetime(2024, 11, 5, 12, 0, tzinfo=UTC)  # another time than now


def forge_job(contract_id: UUID | None, actor: Any, **changes: Any) -> UUID:
    """Insert a PENDING job with `total_steps` 1 but without the step; return its id."""
    at = now()
    row = {
        "id": uuid4(),
        "contract_id": contract_id,
        "status": "PENDING",
        "total_steps": 1,
        "current_step_index": 0,
        "timeout_minutes": 60,
        "created_at": at,
        "created_by_id": actor.pk,
        "updated_at": at,
        "end_reason": "",
    } | changes
    insert_row(JOB, **row)
    job_id: UUID = row["id"]
    return job_id


def forge_activation(contract: SystemContract, actor: Any, *, steps: list[int], **job: Any) -> UUID:
    """Insert what an activation writes, ledger entries included, but only these steps."""
    with clock_at(now()):
        update_row(CONTRACT, contract.pk, status="ACTIVE", updated_at=now())
        job_id = forge_job(contract.pk, actor, **job)
        for step_index in steps:
            forge_step(job_id, step_index)
        forge_entry(
            contract.pk,
            event="contract.activation.activated",
            from_status="APPROVED",
            to_status="ACTIVE",
        )
        forge_entry(contract.pk, event="job.activation.created", to_status="PENDING")
    return job_id


def forge_step(job_id: UUID, step_index: int, **changes: Any) -> None:
    row = {
        "job_id": job_id,
        "step_index": step_index,
        "step_type": "capability_enable",
        "target": "Search",
        "change": {"type": "capability_enable"},
        "timeout_seconds": 300,
    } | changes
    insert_row(STEP, **row)


def forge_result(job_id: UUID, step_index: int, actor: Any, **changes: Any) -> None:
    at = now()
    row = {
        "job_id": job_id,
        "step_index": step_index,
        "status": "COMPLETED",
        "started_at": at,
        "completed_at": at,
        "error": "",
        "recorded_at": at,
        "recorded_by_id": actor.pk,
    } | changes
    insert_row(RESULT, **row)


def forge_snapshot(job_id: UUID, phase: str, **changes: Any) -> None:
    row = {
        "job_id": job_id,
        "phase": phase,
        "reading": {"system": "HEALTHY"},
        "observed_at": now(),
    } | changes
    insert_row(SNAPSHOT, **row)


def forge_evidence(job_id: UUID, **changes: Any) -> None:
    body = changes.get("body") or canonical_text({"job_id": str(job_id)})
    row = {
        "job_id": job_id,
        "body": body,
        "sha256": sha256_hex(body),
        "collected_at": now(),
    } | changes
    insert_row(EVIDENCE, **row)


def forge_audit(job: GovernanceJob, author: Any, **changes: Any) -> None:
    row = {
        "job_id": job.pk,
        "verdict": "PASS",
        "reason": "Looks fine.",
        "checks": [],
        "evidence_sha256": job.evidence.sha256,
        "author_id": author.pk,
        "recorded_at": now(),
    } | changes
    insert_row(AUDIT, **row)


def forge_attempt(job: GovernanceJob, *, asked_by: Any | None = None, **changes: Any) -> None:
    """Insert an attempt, by default the first of the site's own auditor."""
    row = {
        "job_id": job.pk,
        "number": 1,
        "verdict": "INCONCLUSIVE",
        "reason": "Nobody can tell.",
        "checks": [],
        "observations": [],
        "health": None,
        "evidence_sha256": job.evidence.sha256,
        "auditor_version": "1.0.0",
        "attempted_at": now(),
        "asked_by_id": asked_by.pk if asked_by else None,
    } | changes
    insert_row(ATTEMPT, **row)


def forge_resolution(audit_id: int, resolver: Any, **changes: Any) -> None:
    row = {
        "audit_id": audit_id,
        "verdict": "PASS",
        "reason": "A person looked at it.",
        "resolved_by_id": resolver.pk,
        "resolved_at": now(),
    } | changes
    insert_row(RESOLUTION, **row)


def forge_signature(contract: SystemContract, founder: Any, **changes: Any) -> None:
    """Insert a signature on the contract's content and an empty view, for an hour from now."""
    at = now()
    content = changes.get("content_digest", contract.content_digest)
    view = changes.get("view") or canonical_text({"content_digest": content, "facts": {}})
    row = {
        "contract_id": contract.pk,
        "number": 1,
        "founder_id": founder.pk,
        "signed_at": at,
        "note": "",
        "window_opens_at": at,
        "window_closes_at": at + timedelta(hours=1),
        "content_digest": content,
        "view_digest": sha256_hex(view),
        "view": view,
        "shown": "What the founder saw.",
        "quorum": 1,
    } | changes
    insert_row(SIGNATURE, **row)


def forge_signing_entry(contract_id: UUID, **fields: Any) -> None:
    """Insert the entry for the next signature: an approval, unless `fields` changes that."""
    entry = {
        "event": "contract.review.approved",
        "from_status": "ELIGIBLE",
        "to_status": "APPROVED",
        "body": {"records": {"signature_sha256": "a" * 64}},
    }
    forge_entry(contract_id, **(entry | fields))


def forge_entry(
    contract_id: UUID,
    *,
    event: str = "job.step.completed",
    body: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    prev_hash: bytes | None = None,
    **fields: Any,
) -> None:
    """Insert the next entry of a chain, correctly linked and hashed.

    Args:
        body: Changes of the body only.
        columns: Changes of the columns only, made after the hash is computed.
        prev_hash: The hash to link to instead of the head's.
        fields: Changes of both body and columns.
    """
    seq, last_hash = chain_head(contract_id)
    prev_hash = last_hash if prev_hash is None else prev_hash
    entry: dict[str, Any] = {
        "contract_id": str(contract_id),
        "seq": seq + 1,
        "at": timestamp(now()),
        "actor": "user:0:mallory",
        "event": event,
        "from_status": "",
        "to_status": "",
        "reason": "",
        "step_index": None,
    } | fields
    text = canonical_text(entry | {"records": {}} | dict(body or {}))
    row = entry | {
        "body": text,
        "prev_hash": prev_hash,
        "hash": entry_hash(prev_hash, text),
    }
    insert_row(LEDGER, **(row | dict(columns or {})))


def job_columns_for(status: str, actor: Any) -> dict[str, Any]:
    """Return all columns that `status` needs, so that a guard can refuse only the move itself."""
    at = now()
    began = status in (JobStatus.RUNNING, JobStatus.COMPLETED, JobStatus.FAILED)
    ended = status in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
    columns: dict[str, Any] = {
        "status": status,
        "ended_at": at if ended else None,
        "ended_by_id": actor.pk if ended else None,
        "lease_expires_at": at + timedelta(minutes=6) if status == JobStatus.RUNNING else None,
    }
    if status == JobStatus.PENDING:
        columns |= {"started_at": None, "current_step_index": 0}
    if began:
        columns |= {
            "started_at": at,
            "started_by_id": actor.pk,
            "deadline_at": at + timedelta(hours=1),
            "execution_token_sha256": "0" * 64,
        }
    return columns


def force_job(job: GovernanceJob, status: str, actor: Any) -> None:
    """Move a job by raw SQL; the columns of its start do not change."""
    columns = job_columns_for(status, actor)
    if job.status == JobStatus.RUNNING and status != JobStatus.PENDING:
        kept = ("status", "ended_at", "ended_by_id", "lease_expires_at")
        columns = {name: columns[name] for name in kept}
    update_row(JOB, job.pk, **columns)
