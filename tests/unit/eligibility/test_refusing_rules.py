"""The refusing rules of eligibility: E-104, then E-100 to E-103."""

from __future__ import annotations

from decimal import Decimal

import pytest

from governance.authorities.eligibility.thresholds import EligibilityThresholds
from governance.domain.values import HealthDecision
from tests.support.eligibility import REPORT, decided, failing, result_of

PASSING = {"decision": "MAY", "first_failing_rule": None}


class TestE104SystemHealth:
    @pytest.mark.parametrize("health", [HealthDecision.DEGRADED, HealthDecision.BLOCKED])
    def test_system__not_healthy__refused(self, health: HealthDecision) -> None:
        verdict = decided(system_health=health)
        assert (verdict.decision, verdict.first_failing_rule) == ("MAY_NOT", "E-104")
        assert verdict.reason == f"The system's health is {health}."

    def test_health__that_nobody_knows__refused(self) -> None:
        verdict = decided(system_health=None)
        assert (verdict.first_failing_rule, verdict.rules_evaluated) == ("E-104", 1)
        assert verdict.reason == "The system's health is unknown."

    def test_system__healthy__passes(self) -> None:
        assert result_of("E-104", decided())["passed"]

    def test_bad_health__beside_everything_else__is_named_first(self) -> None:
        verdict = decided(system_health=HealthDecision.BLOCKED, score=0.1, frozen=["Search"])
        assert failing(verdict) == ["E-104"]


class TestE100MinimumConfidence:
    @pytest.mark.parametrize("confidence", ["0", "0.29", "0.2999"])
    def test_confidence__below_the_minimum__refused(self, confidence: str) -> None:
        verdict = decided(confidence=Decimal(confidence))
        assert verdict.first_failing_rule == "E-100"
        assert verdict.reason == f"Confidence {confidence} is below the minimum of 0.30."

    def test_confidence__exactly_the_minimum__passes_this_rule(self) -> None:
        verdict = decided(confidence=Decimal("0.30"))
        assert result_of("E-100", verdict)["passed"]
        assert verdict.first_failing_rule == "E-001"

    def test_confidence__rounded_in_the_verdict__is_compared_unrounded(self) -> None:
        assert decided(score=0.3, confidence=Decimal("0.2996")).first_failing_rule == "E-100"

    def test_minimum__is_a_threshold(self) -> None:
        thresholds = EligibilityThresholds(minimum_confidence=Decimal("0.90"))
        assert decided(thresholds).first_failing_rule == "E-100"


class TestE101CriticalEscalated:
    @pytest.mark.parametrize("action", ["create_contract", "defer", "reject"])
    def test_critical__without_escalate__refused(self, action: str) -> None:
        verdict = decided(severity="critical", action=action)
        assert verdict.first_failing_rule == "E-101"
        assert action in verdict.reason

    def test_critical__with_escalate__passes_this_rule(self) -> None:
        verdict = decided(severity="critical", action="escalate")
        assert result_of("E-101", verdict)["passed"]
        assert verdict.first_failing_rule == "E-004"

    @pytest.mark.parametrize("severity", ["high", "medium", "low"])
    def test_severity__below_critical__passes(self, severity: str) -> None:
        assert result_of("E-101", decided(severity=severity))["passed"]


class TestE102FrozenCapability:
    def test_capability__frozen__refused_and_named(self) -> None:
        verdict = decided(frozen=["Search"])
        assert (verdict.first_failing_rule, verdict.reason) == ("E-102", "Frozen: Search.")

    def test_one__of_three__refused(self) -> None:
        verdict = decided(affected_capabilities=["Search", "Mail", "Export"], frozen=["Mail"])
        assert result_of("E-102", verdict)["evidence"] == {"frozen": ["Mail"]}
        assert verdict.decision == "MAY_NOT"

    def test_several__frozen__are_listed_sorted(self) -> None:
        verdict = decided(affected_capabilities=["Search", "Export"], frozen=["Search", "Export"])
        assert verdict.reason == "Frozen: Export, Search."

    def test_capability__frozen_elsewhere__passes(self) -> None:
        assert result_of("E-102", decided(frozen=["Mail"]))["passed"]

    def test_unknown__but_frozen__refused_as_frozen(self) -> None:
        verdict = decided(affected_capabilities=["Ghost"], frozen=["Ghost"])
        assert verdict.first_failing_rule == "E-102"

    def test_system__frozen_too__refused(self) -> None:
        verdict = decided(affected_capabilities=["SYSTEM"], frozen=["SYSTEM"])
        assert verdict.first_failing_rule == "E-102"


class TestE103SystemPreApproved:
    def test_system__without_a_pre_approval__refused(self) -> None:
        verdict = decided(affected_capabilities=["SYSTEM"])
        assert verdict.first_failing_rule == "E-103"
        assert "no founder approved it beforehand" in verdict.reason

    def test_system__with_one_of_this_report__passes(self) -> None:
        verdict = decided(affected_capabilities=["SYSTEM", "Search"], pre_approved=[REPORT])
        assert verdict.decision == "MAY"
        assert result_of("E-103", verdict)["evidence"]["pre_approved"] is True

    def test_system__with_one_of_another_report__refused(self) -> None:
        verdict = decided(affected_capabilities=["SYSTEM"], pre_approved=["another report"])
        assert verdict.first_failing_rule == "E-103"

    def test_capability__without_a_pre_approval__passes(self) -> None:
        assert result_of("E-103", decided())["passed"]
