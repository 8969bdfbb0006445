"""Every name and constant inside the documents that version 0.1 wrote.

They are literals on purpose: renaming a class, a table or a column must not change a name in the
documents that users keep, and a test here fails if it does. A document is described by its parts:
the path of each object in it, from the root (""), with the names that the object has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Parts = Mapping[str, Sequence[str]]

RECORD: Parts = {
    "": ("contract_id", "format", "rows", "successor_id", "version"),
    "rows.SystemContract": (
        *("affected_capabilities", "approval_note", "approved_at", "approved_by_id"),
        *("approved_digest", "audit_verdict", "closed_at", "closed_by_id", "closed_reason"),
        *("confidence_score", "content_digest", "created_at", "description"),
        *("eligibility_decision", "eligibility_verdict", "expires_at", "id", "parent_id", "plan"),
        *("proposal_digest", "proposed_by_id", "proposed_changes", "reference", "requested_by"),
        *("review_ends_at", "risk_level", "source", "status", "title", "updated_at"),
        *("validator_verdict", "window_closes_at", "window_opens_at"),
    ),
    "rows.LedgerEntry": (
        *("actor", "at", "body", "contract_id", "event", "from_status", "hash", "id", "prev_hash"),
        *("reason", "seq", "step_index", "to_status"),
    ),
    "rows.ClarificationRequest": (
        *("asked_at", "asked_by_id", "contract_id", "id", "number", "question"),
    ),
    "rows.ClarificationAnswer": ("answer", "answered_at", "answered_by_id", "id", "request_id"),
    "rows.ContractComment": ("at", "by_id", "contract_id", "id", "text"),
    "rows.ApprovalSignature": (
        *("content_digest", "contract_id", "founder_id", "id", "note", "number", "quorum"),
        *("shown", "signed_at", "view", "view_digest", "window_closes_at", "window_opens_at"),
    ),
    "rows.GovernanceJob": (
        *("contract_id", "created_at", "created_by_id", "current_step_index", "deadline_at"),
        *("end_reason", "ended_at", "ended_by_id", "execution_token_sha256", "id"),
        *("lease_expires_at", "started_at", "started_by_id", "status", "timeout_minutes"),
        *("total_steps", "updated_at"),
    ),
    "rows.JobStep": (
        *("change", "id", "job_id", "rollback_action", "step_index", "step_type", "target"),
        "timeout_seconds",
    ),
    "rows.StepResult": (
        *("completed_at", "error", "health_after", "id", "job_id", "output", "recorded_at"),
        *("recorded_by_id", "started_at", "status", "step_index"),
    ),
    "rows.HealthSnapshot": ("id", "job_id", "observed_at", "phase", "reading"),
    "rows.AuditEvidence": ("body", "collected_at", "id", "job_id", "sha256"),
    "rows.GovernanceAudit": (
        *("author_id", "checks", "evidence_sha256", "id", "job_id", "reason", "recorded_at"),
        "verdict",
    ),
    "rows.AuditResolution": (
        *("audit_id", "id", "reason", "resolved_at", "resolved_by_id", "verdict"),
    ),
}
TABLES = {path.removeprefix("rows."): names for path, names in RECORD.items() if path}

ENTRY_BODY: Parts = {
    "": (
        *("actor", "at", "contract_id", "event", "from_status", "reason", "records", "seq"),
        *("step_index", "to_status"),
    ),
}

_HEALTH = ("capabilities", "observed_at", "signals", "system")
_SIGNAL = ("decision", "reason", "recorded_at", "scope", "signal_type")
EVIDENCE: Parts = {
    "": (
        *("approval", "collected_at", "contract_content_sha256", "contract_id", "end_reason"),
        *("ended_at", "evidence_version", "execution_duration_seconds", "health_after"),
        *("health_before", "job_id", "job_status", "ledger_head", "participants", "signatures"),
        *("started_at", "step_results", "steps"),
    ),
    "approval": (
        *("approval_note", "approved_at", "approved_by", "approved_digest"),
        *("window_closes_at", "window_opens_at"),
    ),
    "health_before": _HEALTH,
    "health_before.signals": _SIGNAL,
    "health_after": _HEALTH,
    "health_after.signals": _SIGNAL,
    "ledger_head": ("hash", "seq"),
    "participants": (
        *("activated_by", "approved_by", "ended_by", "proposed_by", "reported_by", "signed_by"),
        "started_by",
    ),
    "signatures": (
        *("content_digest", "founder", "number", "shown_sha256", "signed_at", "view_digest"),
        *("window_closes_at", "window_opens_at"),
    ),
    "step_results": (
        *("completed_at", "error", "health_after", "job_id", "output", "recorded_at"),
        *("recorded_by", "started_at", "status", "step_index"),
    ),
    "steps": (
        *("change", "rollback_action", "status", "step_index", "step_type", "target"),
        "timeout_seconds",
    ),
}

ENVELOPE: Parts = {
    "": ("payload", "payloadType", "signatures"),
    "signatures": ("keyid", "sig"),
}
STATEMENT: Parts = {
    "": ("_type", "predicate", "predicateType", "subject"),
    "predicate": ("evidence", "ledger"),
    "predicate.ledger": ("body", "hash"),
    "subject": ("digest", "name"),
    "subject.digest": ("sha256",),
}
CHECKPOINT_CHAIN: Parts = {"": ("contract", "head", "seq", "trail")}
CHECKPOINT_REMOVED: Parts = {"": ("file", "head", "removed", "seq")}
CHECKPOINT: Parts = {"": ("chains", "merkle_root", "removed", "taken_at", "version")}
MANIFEST_LINE: Parts = {
    "": (
        *("archived_at", "contract_id", "entries", "file", "head_sha256", "reference", "sha256"),
        "status",
    ),
}
MANIFEST: Parts = {"": ("contracts", "merkle_root", "signed_at", "version")}

# The records that an entry of each event vouches for: the names in `records`.
EVENTS: Mapping[str, Sequence[str]] = {
    "contract.proposal.drafted": ("draft_sha256", "proposal_sha256"),
    "contract.validation.recorded": ("validator_verdict_sha256",),
    "contract.eligibility.granted": ("content_sha256",),
    "contract.eligibility.refused": ("closing_sha256", "eligibility_verdict_sha256"),
    "contract.review.clarification_requested": ("clarification_sha256",),
    "contract.review.clarified": ("clarification_answer_sha256",),
    "contract.review.signed": ("signature_sha256",),
    "contract.review.approved": ("approval_sha256", "signature_sha256"),
    "contract.review.rejected": ("closing_sha256",),
    "contract.review.superseded": ("closing_sha256", "successor_id"),
    "contract.review.expired": ("closing_sha256",),
    "contract.window.lapsed": ("closing_sha256",),
    "contract.activation.activated": (),
    "contract.audit.inconclusive": ("audit_sha256",),
    "contract.audit.failed": ("audit_sha256", "closing_sha256"),
    "contract.audit.passed": ("audit_sha256", "closing_sha256"),
    "job.activation.created": ("health_before_sha256", "job_sha256"),
    "job.execution.started": ("start_sha256",),
    "job.step.completed": ("step_result_sha256",),
    "job.step.failed": ("step_result_sha256",),
    "job.execution.completed": ("evidence_sha256", "health_after_sha256", "job_end_sha256"),
    "job.execution.failed": ("evidence_sha256", "health_after_sha256", "job_end_sha256"),
    "job.execution.cancelled": ("evidence_sha256", "health_after_sha256", "job_end_sha256"),
}
# After an INCONCLUSIVE audit, the entry vouches for the resolution instead of the verdict.
RESOLVED = ("contract.audit.passed", ("closing_sha256", "resolution_sha256"))

CONTRACT_STATUSES = (
    *("DRAFT", "VALIDATED", "ELIGIBLE", "APPROVED", "ACTIVE"),
    *("COMPLETED", "FAILED", "REJECTED", "EXPIRED"),
)
JOB_STATUSES = ("PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED")
VERDICTS = ("PENDING", "PASS", "FAIL", "INCONCLUSIVE")

RECORD_FORMAT = ("govsite.contract", 1)
EVIDENCE_VERSION = "1.1.0"
STATEMENT_TYPES = ("https://in-toto.io/Statement/v1", "urn:govsite:evidence:1.0.0")
STATEMENT_ENVELOPE = "application/vnd.in-toto+json"
CHECKPOINT_ENVELOPE = "application/vnd.govsite.checkpoint+json"
CHECKPOINT_VERSION = "1.1.0"
MANIFEST_ENVELOPE = "application/vnd.govsite.archive+json"
MANIFEST_VERSION = "1.0.0"
