"""The snapshot: everything that the rules of eligibility see of a report and of the platform."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from governance.domain.values import SYSTEM_SCOPE, HealthDecision
from governance.domain.verdicts import ValidatorVerdict


@dataclass(frozen=True, slots=True)
class RegisteredNames:
    """The names of the registered capabilities, and of those that are frozen."""

    known: Collection[str]
    frozen: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BlockingSignal:
    """An active signal that says BLOCKED; its type may be empty."""

    scope: str
    signal_type: str = ""

    def __str__(self) -> str:
        return f"{self.scope}:{self.signal_type}"


@dataclass(frozen=True, slots=True)
class OpenContract:
    """A contract that has not ended; people read its reference, if it has one here."""

    contract_id: str
    affected_capabilities: Collection[str]
    created_at: datetime
    reference: str = ""

    @property
    def name(self) -> str:
        return self.reference or self.contract_id


@dataclass(frozen=True, slots=True)
class EligibilitySnapshot:
    """A report as the validator understood it, and what stands against it at one time.

    The names of the registry should be sets, because each rule only asks whether a name is in one.

    Args:
        report: what a pre-approval names: the one report, or its reference.
        affected_capabilities: the capabilities that the report would change; SYSTEM is one.
        confidence: the validator's confidence before it was rounded; None takes that of `verdict`.
        system_health: None if nobody can tell.
        pre_approved: the reports that a founder approved beforehand.
        proposer_may_propose: whether the person who proposes has a right of their own to do so.
    """

    report: str
    source: str
    verdict: ValidatorVerdict
    affected_capabilities: Collection[str]
    registered: RegisteredNames
    taken_at: datetime
    system_health: HealthDecision | None = None
    confidence: Decimal | None = None
    blocking_signals: Collection[BlockingSignal] = ()
    open_contracts: Collection[OpenContract] = ()
    pre_approved: Collection[str] = frozenset()
    proposer_may_propose: bool = False

    @property
    def exact_confidence(self) -> Decimal:
        """The validator's confidence, unrounded where the snapshot has it so."""
        if self.confidence is not None:
            return self.confidence
        return Decimal(str(self.verdict.confidence_score))

    @property
    def scopes(self) -> list[str]:
        """The capabilities that the report would change, once each and sorted."""
        return sorted(set(self.affected_capabilities))

    @property
    def is_about_system(self) -> bool:
        return SYSTEM_SCOPE in self.affected_capabilities
