"""What a job's page says: its steps, the health around it, its evidence and its verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.admin.contract_page import Folded
from governance.admin.wording import (
    change_in_words,
    left_until,
    pretty_json,
    rollback_in_words,
    span,
)
from governance.models import (
    AuditEvidence,
    GovernanceAudit,
    GovernanceJob,
    HealthSnapshot,
    StepResult,
)
from governance.orchestrator.leases import has_lapsed
from governance.orchestrator.queries import steps_with_status
from governance.vocabulary.canonical import sha256_hex
from governance.vocabulary.values import SYSTEM_SCOPE, JobStatus, SnapshotPhase


@dataclass(frozen=True, slots=True)
class StepRow:
    """A planned step and, where it was reported, what its executor said."""

    number: int
    status: str
    words: str
    target: str
    timeout: str
    rollback: str
    started_at: datetime | None
    completed_at: datetime | None
    duration: str
    recorded_by: str
    output: str
    error: str
    health_claim: str


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One scope before and after the job; empty where nobody looked."""

    scope: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        return bool(self.before and self.after and self.before != self.after)


@dataclass(frozen=True, slots=True)
class Seal:
    """The sealed evidence, and whether its text still has the digest it was sealed with."""

    evidence: AuditEvidence
    recomputed: str
    size: int

    @property
    def holds(self) -> bool:
        return self.recomputed == self.evidence.sha256


def job_context(job: GovernanceJob, *, at: datetime) -> dict[str, Any]:
    """Everything that the job's page shows; the number of queries does not grow."""
    steps = [_step_row(step) for step in steps_with_status(job)]
    snapshots = {snapshot.phase: snapshot for snapshot in job.snapshots.all()}
    audit = audit_of(job)
    return {
        "job": job,
        "contract": job.contract,
        "next_move": next_move(job, at),
        "lease_lapsed": has_lapsed(job, at),
        "done_percent": round(100 * job.current_step_index / job.total_steps),
        "duration": span(job.ended_at - job.started_at) if job.started_at and job.ended_at else "",
        "steps": Folded.of(steps, most=50),
        "health_rows": health_rows(snapshots),
        "observations": [
            observation_of(label, snapshots.get(phase))
            for label, phase in (("Before", SnapshotPhase.BEFORE), ("After", SnapshotPhase.AFTER))
        ],
        "seal": seal_of(job),
        "audit": audit,
        "checks_json": pretty_json(audit.checks) if audit and audit.checks else "",
        "resolution": getattr(audit, "resolution", None),
    }


def next_move(job: GovernanceJob, at: datetime) -> str:
    """What the job waits for, or how it ended, in one sentence."""
    match job.status:
        case JobStatus.PENDING:
            return "Waits for an executor to start it."
        case JobStatus.RUNNING if has_lapsed(job, at):
            return "Its lease lapsed: the executor counts as lost, and fail_timed_out_jobs ends it."
        case JobStatus.RUNNING if job.deadline_at and job.lease_expires_at:
            return (
                f"Running; its lease: {left_until(job.lease_expires_at, at)}, "
                f"its deadline: {left_until(job.deadline_at, at)}."
            )
        case _:
            return job.end_reason


def seal_of(job: GovernanceJob) -> Seal | None:
    evidence = AuditEvidence.objects.filter(job=job).first()
    if evidence is None:
        return None
    return Seal(evidence, sha256_hex(evidence.body), len(evidence.body.encode()))


def audit_of(job: GovernanceJob) -> GovernanceAudit | None:
    return (
        GovernanceAudit.objects.filter(job=job)
        .select_related("author", "resolution", "resolution__resolved_by")
        .first()
    )


def health_rows(snapshots: Mapping[str, Any]) -> list[HealthRow]:
    readings = {phase: snapshot.reading for phase, snapshot in snapshots.items()}
    scopes = {name for reading in readings.values() for name in reading["capabilities"]}
    return [
        HealthRow(
            scope,
            _decision(readings.get(SnapshotPhase.BEFORE), scope),
            _decision(readings.get(SnapshotPhase.AFTER), scope),
        )
        for scope in (SYSTEM_SCOPE, *sorted(scopes - {SYSTEM_SCOPE}))
    ]


def observation_of(label: str, snapshot: HealthSnapshot | None) -> dict[str, Any]:
    """When the platform was looked at, and the signals that were read then."""
    signals = snapshot.reading["signals"] if snapshot else []
    return {
        "label": label,
        "observed_at": snapshot.observed_at if snapshot else None,
        "signals": len(signals),
        "signals_json": pretty_json(signals),
    }


def _decision(reading: Mapping[str, Any] | None, scope: str) -> str:
    if reading is None:
        return ""
    return str(
        reading["system"] if scope == SYSTEM_SCOPE else reading["capabilities"].get(scope, "")
    )


def _step_row(step: Mapping[str, Any]) -> StepRow:
    result: StepResult | None = step["result"]
    return StepRow(
        number=step["step_index"],
        status=str(step["status"]),
        words=change_in_words(step["change"]),
        target=step["target"],
        timeout=span(timedelta(seconds=step["timeout_seconds"])),
        rollback=rollback_in_words(step["rollback_action"]),
        started_at=result.started_at if result else None,
        completed_at=result.completed_at if result else None,
        duration=span(result.completed_at - result.started_at) if result else "",
        recorded_by=result.recorded_by.get_username() if result else "",
        output=pretty_json(result.output) if result and result.output is not None else "",
        error=result.error if result else "",
        health_claim=pretty_json(result.health_after)
        if result and result.health_after is not None
        else "",
    )
