"""The refusing rules E-104 and E-100 to E-103: the first that is not passed ends the evaluation.

Each looks at a snapshot and finds whether the report passes.
"""

from __future__ import annotations

from governance.authorities.eligibility.findings import RuleFinding, found
from governance.authorities.eligibility.snapshot import EligibilitySnapshot
from governance.authorities.eligibility.thresholds import EligibilityThresholds
from governance.domain.texts import listed
from governance.domain.values import HealthDecision, RiskLevel


def ask_system_health(
    snapshot: EligibilitySnapshot, thresholds: EligibilityThresholds
) -> RuleFinding:
    """E-104: find whether the system is HEALTHY; unknown health is not."""
    health = snapshot.system_health
    words = "unknown" if health is None else str(health)
    return found(
        health is HealthDecision.HEALTHY,
        f"The system's health is {words}.",
        system_health=None if health is None else str(health),
    )


def ask_minimum_confidence(
    snapshot: EligibilitySnapshot, thresholds: EligibilityThresholds
) -> RuleFinding:
    """E-100: find whether the validator was at least a little confident."""
    confidence, minimum = snapshot.exact_confidence, thresholds.minimum_confidence
    passed = confidence >= minimum
    return found(
        passed,
        f"Confidence {confidence} is {'at least' if passed else 'below'} the minimum of {minimum}.",
        confidence=str(confidence),
        minimum=str(minimum),
    )


def ask_critical_escalated(
    snapshot: EligibilitySnapshot, thresholds: EligibilityThresholds
) -> RuleFinding:
    """E-101: find whether the report is not critical, or the validator asks to escalate it."""
    severity = RiskLevel(snapshot.verdict.severity)
    action = snapshot.verdict.recommended_action
    is_critical = severity is RiskLevel.CRITICAL
    passed = not is_critical or action == "escalate"
    if not is_critical:
        reason = f"The report's severity is {severity}."
    elif passed:
        reason = "The report is critical, and escalation is recommended."
    else:
        reason = f"The report is critical, but {action} is recommended and not escalation."
    return found(passed, reason, severity=str(severity), recommended_action=action)


def ask_frozen_capability(
    snapshot: EligibilitySnapshot, thresholds: EligibilityThresholds
) -> RuleFinding:
    """E-102: find whether no capability is frozen, known or not."""
    frozen = [name for name in snapshot.scopes if name in snapshot.registered.frozen]
    reason = f"Frozen: {listed(frozen)}." if frozen else "No capability is frozen."
    return found(not frozen, reason, frozen=frozen)


def ask_system_pre_approved(
    snapshot: EligibilitySnapshot, thresholds: EligibilityThresholds
) -> RuleFinding:
    """E-103: find whether a report about SYSTEM has a pre-approval of this very report."""
    pre_approved = snapshot.report in snapshot.pre_approved
    if not snapshot.is_about_system:
        reason = "The report is not about the whole system."
    elif pre_approved:
        reason = "The report is about the whole system, and a founder approved it beforehand."
    else:
        reason = "The report is about the whole system, and no founder approved it beforehand."
    return found(
        not snapshot.is_about_system or pre_approved,
        reason,
        is_about_system=snapshot.is_about_system,
        pre_approved=pre_approved,
    )
