"""The closed sets of the domain, and the values that authorities hand each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

SYSTEM_SCOPE = "SYSTEM"
MAX_WINDOW = timedelta(hours=168)
MIN_REASON_LENGTH = 11  # "a reason of more than 10 characters"
MAX_FREEZE = timedelta(hours=168)
TIMEOUT_MINUTES = range(1, 1441)
DEFAULT_TIMEOUT_MINUTES = 60


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
    """Whether a token of the API opens the door, or why it does not any more."""

    LIVE = "LIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class EligibilityDecision(StrEnum):
    MAY = "MAY"
    MAY_NOT = "MAY_NOT"


class Source(StrEnum):
    CRM_FEEDBACK = "crm_feedback"
    SUPPORT_TICKET = "support_ticket"
    OPS_ALERT = "ops_alert"
    MANUAL = "manual"
    INTEGRATION = "integration"


class Lifecycle(StrEnum):
    """How far a capability is available; a change may target all but DISABLED by name."""

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
    """What the health authority saw at one moment: the system's decision and each scope's."""

    observed_at: datetime
    system: HealthDecision
    capabilities: Mapping[str, HealthDecision] = field(default_factory=dict)
    signals: tuple[Mapping[str, str], ...] = ()

    def blocking_scopes(self) -> list[str]:
        """The scopes that stand BLOCKED, the system first."""
        system = [SYSTEM_SCOPE] if self.system is HealthDecision.BLOCKED else []
        return system + sorted(
            name
            for name, decision in self.capabilities.items()
            if decision is HealthDecision.BLOCKED
        )


@dataclass(frozen=True, slots=True)
class PlatformState:
    """What is true of the platform now, as far as a plan needs it.

    `lifecycles` maps a capability to its stage, `configuration` maps (scope, key) to a value.
    """

    lifecycles: Mapping[str, Lifecycle] = field(default_factory=dict)
    configuration: Mapping[tuple[str, str], Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActivationWindow:
    """The time in which an approved contract may be activated; both ends belong to it."""

    opens_at: datetime
    closes_at: datetime

    def contains(self, at: datetime) -> bool:
        return self.opens_at <= at <= self.closes_at

    def is_within(self, other: ActivationWindow) -> bool:
        return other.opens_at <= self.opens_at and self.closes_at <= other.closes_at


@dataclass(frozen=True, slots=True)
class SeenPage:
    """What a founder had before them: a view in its canonical spelling, and all of it as text."""

    view: str
    shown: str


@dataclass(frozen=True, slots=True)
class ActiveFreeze:
    """That the line stands still, and why: the freeze that lasts longest of those in force.

    `by` is a user's name, `freezes` how many are in force.
    """

    until: datetime
    reason: str
    by: str
    since: datetime
    freezes: int = 1


@dataclass(frozen=True, slots=True)
class StepReport:
    """What an executor says of one step. `health_after` is its claim, not an observation."""

    step_index: int
    status: StepStatus
    started_at: datetime
    completed_at: datetime
    output: Any = None
    error: str = ""
    health_after: Any = None


@dataclass(frozen=True, slots=True)
class JobProgress:
    """Where a job stands, in the words of the API."""

    job_id: str
    status: JobStatus
    current_step: int
    total_steps: int
    completed_steps: int
    failed_steps: int
