"""How sure the validator is, and the action that it recommends; computed in decimal numbers."""

from __future__ import annotations

from collections.abc import Collection
from decimal import ROUND_HALF_EVEN, Decimal

from governance.authorities.validator.classification import ESCALATION, UNKNOWN
from governance.domain.values import SYSTEM_SCOPE, RiskLevel, Source

MIN_CONFIDENCE = Decimal("0.5")  # below it a report is deferred
MIN_CONFIDENCE_LOW = Decimal("0.7")  # below it a report of low severity is rejected

_BASE = Decimal("0.5")
_OF_TYPE = Decimal("0.3")
_SOURCES = {
    Source.OPS_ALERT: Decimal("0.20"),
    Source.SUPPORT_TICKET: Decimal("0.10"),
    Source.CRM_FEEDBACK: Decimal("0.05"),
    Source.INTEGRATION: Decimal("0.05"),
    Source.MANUAL: Decimal("0.00"),
}
_ALL_KNOWN = Decimal("0.10")
_SOME_KNOWN = Decimal("0.05")
_NONE_KNOWN = Decimal("-0.10")
_ZERO, _ONE = Decimal(0), Decimal(1)


def source_weight(source: str) -> Decimal:
    """Return what a source adds to the confidence; one that nobody knows adds nothing."""
    return _SOURCES.get(source, _ZERO)  # type: ignore[call-overload, no-any-return]


def capability_confidence(affected: Collection[str], names: Collection[str]) -> Decimal:
    """Return what the affected capabilities add: how many of them are registered; SYSTEM is."""
    known = sum(name in names or name == SYSTEM_SCOPE for name in affected)
    if not known:
        return _NONE_KNOWN
    return _ALL_KNOWN if known == len(affected) else _SOME_KNOWN


def confidence_of(*, source: Decimal, of_type: Decimal, capabilities: Decimal) -> Decimal:
    """Return the confidence in a verdict, between 0 and 1 and not rounded."""
    return min(max(_BASE + source + _OF_TYPE * of_type + capabilities, _ZERO), _ONE)


def stored_confidence(confidence: Decimal) -> Decimal:
    """Return a confidence with the three decimals with which it is stored."""
    return confidence.quantize(Decimal("0.001"), ROUND_HALF_EVEN)


def action_for(*, issue_type: str, severity: str, confidence: Decimal) -> str:
    """Return the action that the validator recommends; the first rule that applies decides."""
    if issue_type == ESCALATION:
        return "escalate"
    if issue_type == UNKNOWN:
        return "defer"
    if issue_type == "bug_report" and severity == RiskLevel.CRITICAL:
        return "escalate"
    if confidence < MIN_CONFIDENCE:
        return "defer"
    if severity == RiskLevel.LOW and confidence < MIN_CONFIDENCE_LOW:
        return "reject"
    return "create_contract"
