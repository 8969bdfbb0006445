"""The API's answers, field by field, in its own words; times are text in RFC 3339.

A site that is newer than this client may tell more; nothing here gets lost or renamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict


class PlannedStep(TypedDict):
    step_index: int
    step_type: str
    target: str
    change: dict[str, Any]
    timeout_seconds: int
    rollback_action: dict[str, Any] | None


class StepResultData(TypedDict):
    step_index: int
    status: str
    started_at: str
    completed_at: str
    output: Any
    error: str
    health_after: Any
    recorded_at: str
    recorded_by: str


class RecordedResult(StepResultData):
    """A result just reported, and until when the next report is taken."""

    lease_expires_at: str | None


class RecordedResults(TypedDict):
    """The results just reported in one call, and until when the next report is taken."""

    results: list[StepResultData]
    lease_expires_at: str | None


class JobStepData(PlannedStep):
    """A step, how it stands, and its result where there is one."""

    status: str
    result: StepResultData | None


class Audit(TypedDict):
    job_id: str
    verdict: str
    reason: str
    checks: list[dict[str, Any]]
    evidence_sha256: str
    author: str
    recorded_at: str


class RecordedAudit(Audit):
    contract_status: str


class JobSummary(TypedDict):
    id: str
    contract_id: str
    status: str
    total_steps: int
    current_step_index: int
    timeout_minutes: int
    created_at: str
    updated_at: str
    started_at: str | None
    deadline_at: str | None
    lease_expires_at: str | None
    ended_at: str | None


class Job(JobSummary):
    created_by: str
    started_by: str | None
    ended_by: str | None
    end_reason: str
    evidence_sha256: str | None
    audit: Audit | None


class StartedJob(Job):
    """A job that is ours now: the only answer that ever shows its execution token."""

    execution_token: str


class Progress(TypedDict):
    job_id: str
    status: str
    current_step: int
    total_steps: int
    completed_steps: int
    failed_steps: int


class ContractSummary(TypedDict):
    id: str
    reference: str
    source: str
    title: str
    requested_by: str
    affected_capabilities: list[str]
    risk_level: str
    status: str
    audit_verdict: str
    confidence_score: float | None
    created_at: str
    updated_at: str
    expires_at: str
    review_ends_at: str | None
    approved_at: str | None
    window_opens_at: str | None
    window_closes_at: str | None
    closed_at: str | None
    job_id: str | None


class Contract(ContractSummary):
    description: str
    proposed_by: str
    proposed_changes: list[dict[str, Any]]
    plan: list[PlannedStep]
    validator_verdict: dict[str, Any] | None
    eligibility_verdict: dict[str, Any] | None
    content_digest: str | None
    approved_by: str | None
    approved_digest: str | None
    approval_note: str
    signatures: list[dict[str, Any]]
    closed_by: str | None
    closed_reason: str
    clarification: dict[str, Any] | None
    parent_id: str | None
    successor_id: str | None


class Activation(TypedDict):
    """The contract, now ACTIVE, and the job that it became."""

    contract: Contract
    job: Job


class ActivationOutcome(TypedDict):
    """What became of one contract among many: `status` as activating it alone would answer."""

    contract_id: str
    status: int
    job_id: str | None
    problem: dict[str, Any] | None


class LedgerEntryData(TypedDict):
    seq: int
    at: str
    actor: str
    event: str
    from_status: str
    to_status: str
    reason: str
    step_index: int | None
    body: str
    prev_hash: str
    hash: str


class FreezeState(TypedDict):
    """Whether the line stands still; the rest is None while it runs."""

    frozen: bool
    until: str | None
    reason: str | None
    by: str | None
    since: str | None


@dataclass(frozen=True, slots=True)
class SealedEvidence:
    """The evidence of an ended job, byte for byte as it was hashed, and its SHA-256."""

    body: bytes
    sha256: str
