"""The template variables of a job's page: steps, health before and after, evidence, verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.admin.contract_page import FoldedList, waiting_in_words
from governance.admin.health_comparison import health_rows, scopes_of, signal_rows
from governance.admin.job_evidence import checks_context, evidence_shown, route_rows, signals_during
from governance.admin.links import capability_urls
from governance.admin.timeline import timeline_of
from governance.admin.wording import (
    change_in_words,
    format_duration,
    job_end_in_words,
    left_until,
    pretty_json,
    rollback_in_words,
)
from governance.authorities.audit.comparison import ComparedValue, values_of_each_step
from governance.authorities.orchestrator.leases import lease_has_expired
from governance.authorities.orchestrator.queries import steps_with_status
from governance.domain.canonical import sha256_hex
from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES, JOB_TERMINAL_STATES
from governance.domain.values import JobStatus, SnapshotPhase
from governance.models import AuditEvidence, GovernanceAudit, GovernanceJob, StepResult

STEPS_AT_ONCE = 50
Steps = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Window:
    """The range of steps that a page shows, by index.

    `earlier` and `later` are the first steps of the neighbouring pages, or None.
    """

    first: int
    last: int
    earlier: int | None
    later: int | None


@dataclass(frozen=True, slots=True)
class Seal:
    """The sealed evidence, with the SHA-256 of its text as it is now."""

    evidence: AuditEvidence
    recomputed: str
    size: int

    @property
    def holds(self) -> bool:
        return self.recomputed == self.evidence.sha256


def window_of(job: GovernanceJob, first: int | None = None) -> Window:
    """Return the range that begins at `first`; by default the range with the current step.

    The current step of a job that failed or was cancelled is the last reported one.
    """
    if first is None:
        reported_last = max(job.current_step_index - 1, 0)
        current_index = {
            JobStatus.RUNNING: min(job.current_step_index, job.total_steps - 1),
            JobStatus.FAILED: reported_last,
            JobStatus.CANCELLED: reported_last,
        }.get(JobStatus(job.status), 0)
        first = current_index - current_index % STEPS_AT_ONCE
    end = min(first + STEPS_AT_ONCE, job.total_steps)
    return Window(
        first=first,
        last=end - 1,
        earlier=max(first - STEPS_AT_ONCE, 0) if first else None,
        later=end if end < job.total_steps else None,
    )


def steps_in(job: GovernanceJob, window: Window) -> Steps:
    """Return the steps of the window with their results; two queries."""
    # The bar of the first step begins where the step before it ended.
    numbers = (window.first - 1, window.last)
    return steps_with_status(job, list(job.steps.filter(step_index__range=numbers)))


def now_context(job: GovernanceJob, window: Window, steps: Steps, at: datetime) -> dict[str, Any]:
    """Return the variables that change while the job runs: state and timeline.

    One query for a PENDING job, which may wait for another one to end.
    """
    lapsed = lease_has_expired(job, at)
    timeline = timeline_of(job, steps, at)
    extra = len(steps) - (window.last - window.first + 1)
    return {
        "job": job,
        "contract": job.contract,
        "next_step": job_next_step(job, at),
        "lease_expired": lapsed,
        "duration": format_duration(job.ended_at - job.started_at)
        if job.started_at and job.ended_at
        else "",
        "window": window,
        "timeline_rows": timeline.rows[extra:],
        "scale": timeline.scale,
        "is_over": job.status in JOB_TERMINAL_STATES,
        # The verdict follows the end of the job, and ends the contract.
        "is_followed": job.contract.status not in CONTRACT_TERMINAL_STATES,
        "version": job_version(job, lapsed=lapsed),
    }


def record_context(
    job: GovernanceJob, window: Window, steps: Steps, *, links: bool
) -> dict[str, Any]:
    """Return the variables of the job's record: results, health, evidence and verdict.

    Four queries with `links` to the capabilities' pages, three without; two more while it runs.
    """
    shown = [step for step in steps if step["step_index"] >= window.first]
    snapshots = {snapshot.phase: snapshot for snapshot in job.snapshots.all()}
    names = {*scopes_of(snapshots), *(step["target"] for step in shown)}
    urls = capability_urls(names) if links else {}
    health = health_rows(snapshots, urls)
    audit, seal = audit_of(job), seal_of(job)
    evidence = evidence_shown(job, seal.evidence if seal and seal.holds else None, steps)
    values = values_of_each_step(evidence, [step["step_index"] for step in shown])
    signals = signals_during(evidence)
    return {
        "steps": [_step_row(step, urls, values) for step in shown],
        "values_differ": any(one.differs for each in values.values() for one in each),
        "values_unknown": not any(one.is_known for each in values.values() for one in each),
        "signals_during": None if signals is None else FoldedList.of(signals),
        "routes": FoldedList.of(route_rows(evidence)),
        "health_rows": FoldedList.of(health),
        "differing": sum(row.differs for row in health),
        "signal_rows": FoldedList.of(signal_rows(snapshots)),
        "snapshots": [
            (label, snapshots.get(phase))
            for label, phase in (("Before", SnapshotPhase.BEFORE), ("After", SnapshotPhase.AFTER))
        ],
        "is_observed": len(snapshots) == 2,
        "seal": seal,
        "audit": audit,
        **checks_context(audit),
        "checks_json": pretty_json(audit.checks) if audit and audit.checks else "",
        "resolution": getattr(audit, "resolution", None),
        "end_reason": job_end_in_words(job.status, job.end_reason),
    }


def job_version(job: GovernanceJob, *, lapsed: bool) -> str:
    """Return a text that changes whenever the record on the job's page does."""
    progress = f"{job.status}-{job.current_step_index}-{'lapsed' if lapsed else 'held'}"
    return f"{progress}-{job.contract.status}-{job.contract.audit_verdict}"


def job_next_step(job: GovernanceJob, at: datetime) -> str:
    """Return what the job is waiting for, or how it ended, in one sentence."""
    match job.status:
        case JobStatus.PENDING:
            return waiting_in_words(job)
        case JobStatus.RUNNING if lease_has_expired(job, at):
            return "Its lease expired: the executor counts as lost, and the job will be failed."
        case JobStatus.RUNNING if job.deadline_at and job.lease_expires_at:
            return (
                f"Running; its lease: {left_until(job.lease_expires_at, at)}, "
                f"its deadline: {left_until(job.deadline_at, at)}."
            )
        case _:
            return job_end_in_words(job.status, job.end_reason)


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


def _step_row(
    step: Mapping[str, Any],
    urls: Mapping[str, str],
    values: Mapping[int, Sequence[ComparedValue]],
) -> dict[str, Any]:
    """Return a step as `steps_with_status` returns it, with what the page shows in words."""
    result: StepResult | None = step["result"]
    return {
        **step,
        "words": change_in_words(step["change"]),
        "values": FoldedList.of([one for one in values[step["step_index"]] if one.is_known]),
        "target_url": urls.get(step["target"], ""),
        "timeout": format_duration(timedelta(seconds=step["timeout_seconds"])),
        "rollback": rollback_in_words(step["rollback_action"]),
        "duration": format_duration(result.completed_at - result.started_at) if result else "",
        "output": _recorded_json(result and result.output),
        "health_claim": _recorded_json(result and result.health_after),
    }


def _recorded_json(value: Any) -> str:
    return "" if value is None else pretty_json(value)
