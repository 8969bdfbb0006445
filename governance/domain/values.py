"""The enums of the domain, its limits, and the values that authorities pass to each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

SYSTEM_SCOPE = "SYSTEM"
MAX_WINDOW = timedelta(hours=168)
# How the closing reason of a withdrawn approval begins; a colon and the founder's words follow.
WITHDRAWN = "approval_withdrawn"
MIN_REASON_LENGTH = 11  # "a reason of more than 10 characters"
# How far an executor's clock may be from PostgreSQL's; the database guards have the same bound.
MAX_CLOCK_SKEW = timedelta(seconds=30)
MAX_FREEZE = timedelta(hours=168)
TIMEOUT_MINUTES = range(1, 1441)
DEFAULT_TIMEOUT_MINUTES = 60
MAX_NOTICE_LENGTH = 300  # characters


class ContractStatus(StrEnum):
    DRAFT = "DRAFT"
    VALIDATED = "VALIDATED"
    ELIGIBLE = "ELIGIBLE"
    APPROVED = "APPROVED"
    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class JobStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class JobRunner(StrEnum):
    """Who runs a job: an executor over HTTP, or a worker of the site."""

    CLIENT = "client"
    WORKER = "worker"


class StepStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class AuditVerdict(StrEnum):
    PENDING = "PENDING"
    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


class RiskLevel(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class TokenState(StrEnum):
    """Whether an API token is valid, and if not, why."""

    LIVE = "LIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class EligibilityDecision(StrEnum):
    MAY = "MAY"
    MAY_NOT = "MAY_NOT"


class ApprovalKind(StrEnum):
    """How a contract is approved: by signatures on it, or by an authorisation given before."""

    SIGNED = "signed"
    PRE_AUTHORISED = "pre_authorised"


class Source(StrEnum):
    CRM_FEEDBACK = "crm_feedback"
    SUPPORT_TICKET = "support_ticket"
    OPS_ALERT = "ops_alert"
    MANUAL = "manual"
    INTEGRATION = "integration"


class NoticeKind(StrEnum):
    """What a notice is about."""

    JOB_FAILED = "job_failed"
    EXECUTOR_LOST = "executor_lost"
    QUESTION_ASKED = "question_asked"
    QUESTION_ANSWERED = "question_answered"
    CONTRACT_EXPIRED = "contract_expired"
    WINDOW_PASSED = "window_passed"
    BREAKER_OPENED = "breaker_opened"
    ROLLBACK_PROPOSED = "rollback_proposed"
    ROLLBACK_NOT_MADE = "rollback_not_made"
    MANY_ROLLBACKS = "many_rollbacks"
    AUDIT_FAILED = "audit_failed"
    AUDIT_INCONCLUSIVE = "audit_inconclusive"


class Lifecycle(StrEnum):
    """How far a capability is available; `capability_disable` alone leads to DISABLED."""

    DISABLED = "DISABLED"
    PREVIEW = "PREVIEW"
    LAUNCHED = "LAUNCHED"
    DEPRECATED = "DEPRECATED"


class HealthDecision(StrEnum):
    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    BLOCKED = "BLOCKED"


class SnapshotPhase(StrEnum):
    BEFORE = "BEFORE"
    AFTER = "AFTER"


@dataclass(frozen=True, slots=True)
class HealthReading:
    """A reading of the health authority: the decision on the system and on each capability."""

    observed_at: datetime
    system: HealthDecision
    capabilities: Mapping[str, HealthDecision] = field(default_factory=dict)
    signals: tuple[Mapping[str, str], ...] = ()

    def blocking_scopes(self) -> list[str]:
        """List the scopes that are BLOCKED, the system first."""
        system = [SYSTEM_SCOPE] if self.system is HealthDecision.BLOCKED else []
        return system + sorted(
            name
            for name, decision in self.capabilities.items()
            if decision is HealthDecision.BLOCKED
        )


@dataclass(frozen=True, slots=True)
class PlatformState:
    """The current state of the platform, as far as a plan needs it.

    `lifecycles` maps the name of a capability to its lifecycle, `configuration` maps (scope, key)
    to a value, and `secret_keys` the name of a capability to those of its keys that are registered
    as keys of secrets.
    """

    lifecycles: Mapping[str, Lifecycle] = field(default_factory=dict)
    configuration: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    secret_keys: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChangedSetting:
    """A setting whose value, as text, is not the one on the page that the founder `by` signed."""

    name: str
    by: str
    signed: str
    current: str


@dataclass(frozen=True, slots=True)
class ActivationWindow:
    """The time in which an approved contract may be activated, both ends included."""

    opens_at: datetime
    closes_at: datetime

    def contains(self, at: datetime) -> bool:
        return self.opens_at <= at <= self.closes_at

    def is_within(self, other: ActivationWindow) -> bool:
        return other.opens_at <= self.opens_at and self.closes_at <= other.closes_at


@dataclass(frozen=True, slots=True)
class SeenPage:
    """The page that a founder read: its view as canonical JSON, and the whole page as text."""

    view: str
    shown: str


@dataclass(frozen=True, slots=True)
class ActiveFreeze:
    """An active change freeze; of several, the one that ends last.

    `by` is a username, `freezes` the number of active freezes.
    """

    until: datetime
    reason: str
    by: str
    since: datetime
    freezes: int = 1


@dataclass(frozen=True, slots=True)
class StepReport:
    """An executor's report of one step; `health_after` is its claim, not an observation."""

    step_index: int
    status: StepStatus
    started_at: datetime
    completed_at: datetime
    output: Any = None
    error: str = ""
    health_after: Any = None


@dataclass(frozen=True, slots=True)
class JobProgress:
    """The progress of a job, with the field names of the API."""

    job_id: str
    status: JobStatus
    current_step: int
    total_steps: int
    completed_steps: int
    failed_steps: int
