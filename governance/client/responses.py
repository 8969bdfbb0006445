"""The types of the API's responses, with the API's field names; times are text in RFC 3339.

A newer site may send further fields; within v1 none of these is removed or renamed.
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
    """A recorded result, and when the renewed lease ends."""

    lease_expires_at: str | None


class RecordedResults(TypedDict):
    """The recorded results of one call, and when the renewed lease ends."""

    results: list[StepResultData]
    lease_expires_at: str | None


class JobStepData(PlannedStep):
    """A step, its status, and its result if it has one."""

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
    run_by: str
    is_rollback: bool
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
    """A started job; only this response contains the job's execution token."""

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
    repeats_id: str | None
    rolls_back_id: str | None
    approval_kind: str


class Activation(TypedDict):
    """The contract, which is now ACTIVE, and its new job."""

    contract: Contract
    job: Job


class ActivationOutcome(TypedDict):
    """One outcome of a bulk activation; `status` is that of the single call."""

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
    """Whether a change freeze is active; the other fields are None without a freeze."""

    frozen: bool
    until: str | None
    reason: str | None
    by: str | None
    since: str | None


class HealthTroubleData(TypedDict):
    """Why nobody can tell the health of a scope; without a scope, of all."""

    scope: str | None
    reason: str


class HealthFailureData(HealthTroubleData):
    """A failed reading of health."""

    observed_at: str


class HealthState(TypedDict):
    """The platform's health; `known` is false, and what was read null, if nobody can tell."""

    known: bool
    observed_at: str | None
    system: str | None
    capabilities: dict[str, str] | None
    signals: list[dict[str, str | None]] | None
    troubles: list[HealthTroubleData]
    recent_failures: list[HealthFailureData]


@dataclass(frozen=True, slots=True)
class SealedEvidence:
    """The evidence of an ended job, byte for byte as it was hashed, and its SHA-256."""

    body: bytes
    sha256: str
