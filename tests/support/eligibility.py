"""Snapshots of eligibility, from plain fields and from the acceptance cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from governance.authorities.eligibility.snapshot import (
    BlockingSignal,
    EligibilitySnapshot,
    OpenContract,
    RegisteredNames,
)
from governance.authorities.eligibility.thresholds import EligibilityThresholds
from governance.authorities.eligibility.verdict import decide_eligibility
from governance.domain.values import HealthDecision
from governance.domain.verdicts import EligibilityVerdict, ValidatorVerdict

TAKEN_AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
THRESHOLDS = EligibilityThresholds()
REPORT = "00000000-0000-0000-0000-00000000a001"

# The names of thresholds in the acceptance cases, and ours.
_CONFIG = {
    "minimum_confidence": "minimum_confidence",
    "confidence_threshold": "confidence_threshold",
}


def report_verdict(**fields: Any) -> ValidatorVerdict:
    """Return a validator's verdict that passes every rule, but for `fields`."""
    passing: dict[str, Any] = {
        "issue_type": "capability_request",
        "severity": "medium",
        "affected_capabilities": ["Search"],
        "recommended_action": "create_contract",
        "confidence_score": 0.85,
        "reason": "It asks for a capability.",
        "analyzed_at": "2026-11-02T08:59:00Z",
        "validator_version": "1.0.0",
    }
    return ValidatorVerdict(**(passing | fields))


def snapshot(**fields: Any) -> EligibilitySnapshot:
    """Return a snapshot that passes every rule, but for `fields`.

    Args:
        fields: fields of the snapshot; `known` and `frozen` are those of the registry, and
            `issue_type`, `severity`, `action` and `score` those of the validator's verdict.
    """
    renamed = {"action": "recommended_action", "score": "confidence_score"}
    of_verdict = {
        renamed.get(name, name): fields.pop(name)
        for name in ("issue_type", "severity", "action", "score")
        if name in fields
    }
    registered = RegisteredNames(
        known=frozenset(fields.pop("known", ["Search", "Mail", "Export"])),
        frozen=frozenset(fields.pop("frozen", [])),
    )
    passing: dict[str, Any] = {
        "report": REPORT,
        "source": "support_ticket",
        "verdict": report_verdict(**of_verdict),
        "affected_capabilities": ["Search"],
        "registered": registered,
        "taken_at": TAKEN_AT,
        "system_health": HealthDecision.HEALTHY,
    }
    return EligibilitySnapshot(**(passing | fields))


def decided(
    thresholds: EligibilityThresholds = THRESHOLDS, only: Any = None, **fields: Any
) -> EligibilityVerdict:
    """Return the verdict on `snapshot(**fields)`."""
    return decide_eligibility(snapshot(**fields), thresholds, only=only)


def failing(verdict: EligibilityVerdict) -> list[str]:
    """Return the codes of the rules that were asked and not passed, in order."""
    return [row["rule_id"] for row in verdict.rule_results if not row["passed"]]


def result_of(code: str, verdict: EligibilityVerdict) -> dict[str, Any]:
    """Return the result of a rule that was asked."""
    [row] = [one for one in verdict.rule_results if one["rule_id"] == code]
    return dict(row)


def open_contract(*names: str, hours: float, number: int = 1) -> OpenContract:
    return OpenContract(f"contract-{number}", names, TAKEN_AT - timedelta(hours=hours))


def verdict_of_case(given: dict[str, Any]) -> EligibilityVerdict:
    """Return the verdict on an acceptance case, whose fields are the specification's."""
    seen = given["snapshot"]
    advice = given["validator_verdict"]
    names = advice["affected_capabilities"]
    health = seen.get("system_health")
    case = EligibilitySnapshot(
        report=given["proposal_id"],
        source=given["source"],
        verdict=report_verdict(
            issue_type=advice["issue_type"],
            severity=advice["severity"],
            recommended_action=advice["recommended_action"],
            confidence_score=float(advice["confidence_score"]),
            affected_capabilities=names,
        ),
        confidence=Decimal(advice["confidence_score"]),
        affected_capabilities=names,
        registered=RegisteredNames(
            frozenset(seen.get("known_capabilities", [])),
            frozenset(seen.get("frozen_capabilities", [])),
        ),
        taken_at=TAKEN_AT,
        system_health=HealthDecision(health) if health in set(HealthDecision) else None,
        blocking_signals=[
            BlockingSignal(scope, kind or "")
            for scope, kind in seen.get("blocking_signals", {}).items()
        ],
        open_contracts=[
            OpenContract(
                one["contract_id"],
                one["affected_capabilities"],
                TAKEN_AT - timedelta(hours=one["age_hours"]),
            )
            for one in seen.get("open_contracts", [])
        ],
        pre_approved=seen.get("system_pre_approvals", []),
        proposer_may_propose=seen.get("proposer_may_propose", False),
    )
    config = {_CONFIG[name]: Decimal(value) for name, value in given.get("config", {}).items()}
    return decide_eligibility(case, EligibilityThresholds(**config))
