"""The rules of eligibility that must all be passed: E-001 to E-006."""

from __future__ import annotations

from decimal import Decimal

import pytest

from governance.authorities.eligibility.snapshot import BlockingSignal
from governance.authorities.eligibility.thresholds import EligibilityThresholds
from tests.support.eligibility import REPORT, decided, failing, open_contract, result_of


class TestE001Confidence:
    @pytest.mark.parametrize("confidence", ["0.30", "0.5", "0.69", "0.6999"])
    def test_confidence__below_the_threshold__refused(self, confidence: str) -> None:
        verdict = decided(confidence=Decimal(confidence))
        assert (verdict.decision, failing(verdict)) == ("MAY_NOT", ["E-001"])

    @pytest.mark.parametrize("score", [0.7, 0.701, 1.0])
    def test_confidence__of_the_threshold_or_more__passes(self, score: float) -> None:
        assert decided(score=score).decision == "MAY"

    def test_confidence__below_once_unrounded__refused(self) -> None:
        assert decided(score=0.7, confidence=Decimal("0.6996")).first_failing_rule == "E-001"

    def test_threshold__is_a_setting(self) -> None:
        thresholds = EligibilityThresholds(confidence_threshold=Decimal("0.9"))
        verdict = decided(thresholds)
        assert verdict.reason == "Confidence 0.85 is below the threshold of 0.9."


class TestE002KnownCapabilities:
    def test_report__without_a_capability__refused(self) -> None:
        verdict = decided(affected_capabilities=[])
        assert (verdict.first_failing_rule, verdict.reason) == (
            "E-002",
            "The report names no capability.",
        )

    def test_one__unknown_of_two__refused_and_named(self) -> None:
        verdict = decided(affected_capabilities=["Search", "Ghost"])
        assert verdict.reason == "Not registered: Ghost."
        assert result_of("E-002", verdict)["evidence"]["unknown"] == ["Ghost"]

    def test_system__is_known_without_a_row(self) -> None:
        verdict = decided(affected_capabilities=["SYSTEM"], pre_approved=[REPORT], known=[])
        assert result_of("E-002", verdict)["passed"]

    def test_name__in_another_case__is_another_name(self) -> None:
        assert decided(affected_capabilities=["search"]).first_failing_rule == "E-002"

    def test_many_names__in_a_reason__are_counted(self) -> None:
        verdict = decided(affected_capabilities=[f"Ghost {number:02}" for number in range(25)])
        assert "Ghost 19 and 5 more" in verdict.reason
        assert len(result_of("E-002", verdict)["evidence"]["unknown"]) == 25


class TestE003BlockingSignals:
    def test_signal__on_the_capability__refused(self) -> None:
        verdict = decided(blocking_signals=[BlockingSignal("Search", "LATENCY")])
        assert verdict.first_failing_rule == "E-003"
        assert verdict.blocking_signals == ["Search:LATENCY"]

    def test_signal__on_the_system__blocks_every_scope(self) -> None:
        verdict = decided(blocking_signals=[BlockingSignal("SYSTEM", "FREEZE")])
        assert verdict.blocking_signals == ["SYSTEM:FREEZE"]

    def test_signals__are_all_listed_sorted(self) -> None:
        signals = [BlockingSignal("Search", "B"), BlockingSignal("SYSTEM", "A")]
        signals.append(BlockingSignal("Search", "A"))
        assert decided(blocking_signals=signals).blocking_signals == [
            "SYSTEM:A",
            "Search:A",
            "Search:B",
        ]

    def test_signal__without_a_type__blocks_and_is_listed(self) -> None:
        verdict = decided(blocking_signals=[BlockingSignal("Search")])
        assert (verdict.decision, verdict.blocking_signals) == ("MAY_NOT", ["Search:"])

    def test_signal__on_another_capability__does_not_matter(self) -> None:
        verdict = decided(blocking_signals=[BlockingSignal("Mail", "LATENCY")])
        assert (verdict.decision, verdict.blocking_signals) == ("MAY", [])


class TestE004IssueType:
    @pytest.mark.parametrize(
        "issue_type", ["capability_request", "configuration_change", "bug_report"]
    )
    def test_type__that_may_become_a_contract__passes(self, issue_type: str) -> None:
        assert decided(issue_type=issue_type).decision == "MAY"

    @pytest.mark.parametrize("issue_type", ["escalation", "unknown"])
    def test_type__that_may_not__refused(self, issue_type: str) -> None:
        verdict = decided(issue_type=issue_type)
        assert failing(verdict) == ["E-004"]
        assert issue_type in verdict.reason

    @pytest.mark.parametrize("action", ["defer", "reject", "escalate"])
    def test_action__other_than_a_contract__refused(self, action: str) -> None:
        verdict = decided(action=action)
        assert failing(verdict) == ["E-004"]
        assert verdict.reason == f"The validator recommends {action} and not a contract."

    def test_types__are_a_setting(self) -> None:
        thresholds = EligibilityThresholds(issue_types=frozenset({"bug_report"}))
        assert decided(thresholds).first_failing_rule == "E-004"


class TestE005Source:
    @pytest.mark.parametrize("source", ["crm_feedback", "support_ticket", "ops_alert"])
    def test_source__on_the_allowlist__passes(self, source: str) -> None:
        assert decided(source=source).decision == "MAY"

    @pytest.mark.parametrize("source", ["manual", "integration", "elsewhere", ""])
    def test_source__not_on_it__refused(self, source: str) -> None:
        verdict = decided(source=source)
        assert failing(verdict) == ["E-005"]
        assert "allowlist" in verdict.reason

    def test_source__not_on_it__of_a_proposer_who_may__passes(self) -> None:
        verdict = decided(source="manual", proposer_may_propose=True)
        assert verdict.decision == "MAY"
        assert result_of("E-005", verdict)["evidence"]["proposer_may_propose"] is True

    def test_sources__are_a_setting(self) -> None:
        thresholds = EligibilityThresholds(sources=frozenset({"manual"}))
        assert decided(thresholds, source="manual").decision == "MAY"
        assert decided(thresholds, source="ops_alert").decision == "MAY_NOT"


class TestE006OpenContracts:
    @pytest.mark.parametrize("hours", [-1, 0, 1, 24])
    def test_open_contract__within_the_window__refused(self, hours: float) -> None:
        verdict = decided(open_contracts=[open_contract("Search", hours=hours)])
        assert failing(verdict) == ["E-006"]
        assert verdict.reason == (
            "Open on the same capabilities, from the last 24 hours: contract-1."
        )

    def test_open_contract__older__is_a_warning_that_people_read(self) -> None:
        verdict = decided(open_contracts=[open_contract("Search", hours=24.001)])
        assert verdict.decision == "MAY"
        result = result_of("E-006", verdict)
        assert result["evidence"]["older_open_contracts"] == ["contract-1"]
        assert result["reason"] == "Warning: still open on the same capabilities: contract-1."

    def test_young_and_old__are_both_named(self) -> None:
        contracts = [open_contract("Search", hours=hours, number=hours) for hours in (90, 3, 2)]
        reason = decided(open_contracts=contracts).reason
        assert "contract-2, contract-3. Warning" in reason
        assert reason.endswith("contract-90.")

    def test_open_contract__on_another_capability__does_not_matter(self) -> None:
        assert decided(open_contracts=[open_contract("Mail", hours=1)]).decision == "MAY"

    def test_open_contract__on_the_system__overlaps_all(self) -> None:
        contracts = [open_contract("SYSTEM", hours=1)]
        assert decided(open_contracts=contracts).first_failing_rule == "E-006"

    def test_report__about_the_system__overlaps_all(self) -> None:
        verdict = decided(
            affected_capabilities=["SYSTEM"],
            pre_approved=[REPORT],
            open_contracts=[open_contract("Mail", hours=1)],
        )
        assert verdict.first_failing_rule == "E-006"

    def test_window__is_a_setting(self) -> None:
        contracts = [open_contract("Search", hours=2)]
        thresholds = EligibilityThresholds(window_hours=1)
        assert decided(thresholds, open_contracts=contracts).decision == "MAY"
