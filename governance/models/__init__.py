"""The tables: one file each, the constraints beside the fields, the triggers in `sql/`.

The constraints and indexes of contracts are many, and have files of their own.

May read: their own rows. Write: nothing of their own accord; the one operation that owns a table
writes it (such as `authorities/contract/operations.py` and `record/ledger/chain.py`). Refuse: a
row that breaks a constraint, and a move that the lifecycle does not have.
"""

from governance.models.account import Account
from governance.models.audit import AuditAttempt, AuditResolution, GovernanceAudit
from governance.models.breaker import BreakerEvent, HandlerBreaker
from governance.models.clarification import ClarificationAnswer, ClarificationRequest
from governance.models.comment import ContractComment
from governance.models.contract import SystemContract
from governance.models.evidence import AuditEvidence
from governance.models.freeze import ChangeFreeze, FreezeLift
from governance.models.health_failure import HealthFailure
from governance.models.idempotency import IdempotencyRecord
from governance.models.job import GovernanceJob
from governance.models.ledger import LedgerEntry
from governance.models.notice import Notice
from governance.models.observation import Observation, ObservedState
from governance.models.reference import TakenReference
from governance.models.registry import Capability, ConfigurationEntry
from governance.models.registry_change import (
    PlatformValue,
    RegistryChange,
    RegistryImport,
    RegistryValue,
)
from governance.models.result import StepResult
from governance.models.rollback_authorisation import RollbackAuthorisation
from governance.models.signal import GovernanceSignal
from governance.models.signature import ApprovalSignature
from governance.models.snapshot import HealthSnapshot
from governance.models.step import JobStep
from governance.models.token import ApiToken
from governance.models.tombstone import ContractTombstone

__all__ = [
    "Account",
    "ApiToken",
    "ApprovalSignature",
    "AuditAttempt",
    "AuditEvidence",
    "AuditResolution",
    "BreakerEvent",
    "Capability",
    "ChangeFreeze",
    "ClarificationAnswer",
    "ClarificationRequest",
    "ConfigurationEntry",
    "ContractComment",
    "ContractTombstone",
    "FreezeLift",
    "GovernanceAudit",
    "GovernanceJob",
    "GovernanceSignal",
    "HandlerBreaker",
    "HealthFailure",
    "HealthSnapshot",
    "IdempotencyRecord",
    "JobStep",
    "LedgerEntry",
    "Notice",
    "Observation",
    "ObservedState",
    "PlatformValue",
    "RegistryChange",
    "RegistryImport",
    "RegistryValue",
    "RollbackAuthorisation",
    "StepResult",
    "SystemContract",
    "TakenReference",
]
