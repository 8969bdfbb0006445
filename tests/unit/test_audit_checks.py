"""The auditor's checks of scope, health, timing, rollback and signals, on evidence as documents."""

from __future__ import annotations

from typing import Any

import pytest

from governance.authorities.audit.sealed_job import LaterReading
from tests.support.evidence import (
    CLOSES_AT,
    ENDED_AT,
    OPENS_AT,
    STARTED_AT,
    evidence_of,
    health,
    outcome_of,
    result,
    signal,
)


def results_with(index: int, **fields: Any) -> list[dict[str, Any]]:
    """Return the results of the three steps; one has other fields."""
    return [result(one, **(fields if one == index else {})) for one in range(3)]


class TestA001Scope:
    def test_steps__inside_the_contract__pass(self) -> None:
        outcome, reason = outcome_of("A-001", evidence_of())
        assert (outcome, reason) == ("PASS", "Every step stayed inside the contract: Search.")

    def test_step__on_a_capability_outside_the_contract__fails_and_is_named(self) -> None:
        outcome, reason = outcome_of("A-001", evidence_of(affected_capabilities=["Billing"]))
        assert (outcome, reason) == ("FAIL", "The plan changes Search, outside the contract.")

    @pytest.mark.parametrize("field", ["target", "scope", "capability_name"])
    def test_report__that_names_another_target__fails(self, field: str) -> None:
        document = evidence_of(step_results=results_with(1, output={field: "Billing"}))
        outcome, reason = outcome_of("A-001", document)
        assert outcome == "FAIL"
        assert reason == "Step 2 reported a change of Billing, but its plan names Search."

    def test_report__whose_rollback_is_of_another_target__fails(self) -> None:
        undo = {"type": "parameter_change", "scope": "Billing", "parameters": {"limit": 1}}
        output = {"did": "done", "rollback_action": undo}
        document = evidence_of(step_results=results_with(2, output=output))
        assert outcome_of("A-001", document)[0] == "FAIL"

    def test_report__that_names_its_own_target__passes(self) -> None:
        document = evidence_of(step_results=results_with(1, output={"target": "Search"}))
        assert outcome_of("A-001", document)[0] == "PASS"

    def test_report__that_is_a_text__names_no_target(self) -> None:
        document = evidence_of(step_results=results_with(1, output="changed Billing"))
        assert outcome_of("A-001", document)[0] == "PASS"

    def test_result__without_a_step__fails(self) -> None:
        document = evidence_of()
        document["step_results"].append(result(3))
        outcome, reason = outcome_of("A-001", document)
        assert (outcome, reason) == ("FAIL", "Step 4 was reported, but it is not in the plan.")

    def test_evidence__of_an_earlier_version__is_inconclusive(self) -> None:
        document = evidence_of()
        del document["affected_capabilities"]
        assert outcome_of("A-001", document)[0] == "INCONCLUSIVE"

    def test_evidence__of_an_earlier_version_with_a_stray_result__fails(self) -> None:
        document = evidence_of(affected_capabilities=None)
        document["step_results"].append(result(3))
        assert outcome_of("A-001", document)[0] == "FAIL"


class TestA002HealthPreserved:
    @pytest.mark.parametrize(
        ("before", "after", "outcome"),
        [
            ("HEALTHY", "HEALTHY", "PASS"),
            ("DEGRADED", "HEALTHY", "PASS"),
            ("BLOCKED", "BLOCKED", "PASS"),
            ("BLOCKED", "DEGRADED", "PASS"),
            ("HEALTHY", "DEGRADED", "FAIL"),
            ("HEALTHY", "BLOCKED", "FAIL"),
            ("DEGRADED", "BLOCKED", "FAIL"),
        ],
    )
    def test_health__worse_than_before__fails(self, before: str, after: str, outcome: str) -> None:
        document = evidence_of(
            health_before=health(Search=before), health_after=health(Search=after)
        )
        assert outcome_of("A-002", document)[0] == outcome

    def test_health__of_the_system_worse__fails_and_is_named(self) -> None:
        document = evidence_of(health_after=health("DEGRADED"))
        outcome, reason = outcome_of("A-002", document)
        assert outcome == "FAIL"
        assert reason == "SYSTEM was HEALTHY before the job and DEGRADED after it."

    @pytest.mark.parametrize("missing", ["health_before", "health_after"])
    def test_snapshot__missing__is_inconclusive(self, missing: str) -> None:
        outcome, reason = outcome_of("A-002", evidence_of(**{missing: None}))
        assert outcome == "INCONCLUSIVE"
        assert missing.removeprefix("health_") in reason

    def test_scope__not_observed_the_second_time__is_inconclusive(self) -> None:
        document = evidence_of(health_before=health(Search="HEALTHY", Billing="HEALTHY"))
        outcome, reason = outcome_of("A-002", document)
        assert outcome == "INCONCLUSIVE"
        assert reason == "The health of Billing was not observed after the job."

    @pytest.mark.parametrize(
        ("after", "outcome"), [("HEALTHY", "PASS"), ("DEGRADED", "INCONCLUSIVE")]
    )
    def test_scope__observed_only_after__is_inconclusive_unless_healthy(
        self, after: str, outcome: str
    ) -> None:
        document = evidence_of(health_after=health(Search="HEALTHY", Billing=after))
        assert outcome_of("A-002", document)[0] == outcome

    def test_decision__that_nobody_knows__is_inconclusive(self) -> None:
        document = evidence_of(health_after=health(Search="GREEN"))
        assert outcome_of("A-002", document)[0] == "INCONCLUSIVE"

    def test_failure__beside_a_gap__fails(self) -> None:
        document = evidence_of(
            health_before=health(Search="HEALTHY", Billing="HEALTHY"),
            health_after=health(Search="BLOCKED"),
        )
        assert outcome_of("A-002", document)[0] == "FAIL"

    def test_later_health__where_it_was_absent__decides(self) -> None:
        document = evidence_of(health_after=None)
        later = LaterReading(health=health(Search="DEGRADED"))
        assert outcome_of("A-002", document, later=later)[0] == "FAIL"
        assert outcome_of("A-002", evidence_of(), later=later)[0] == "PASS"


class TestA004Timing:
    @pytest.mark.parametrize(
        ("started_at", "ended_at", "outcome"),
        [
            (STARTED_AT, ENDED_AT, "PASS"),
            (OPENS_AT, CLOSES_AT, "PASS"),
            ("2026-11-02T08:59:59.999999Z", ENDED_AT, "FAIL"),
            (STARTED_AT, "2026-11-03T09:00:00.000001Z", "FAIL"),
            ("2026-11-03T09:00:00.000001Z", "2026-11-03T10:00:00Z", "FAIL"),
            ("2026-11-02T07:00:00Z", "2026-11-02T08:00:00Z", "FAIL"),
            (None, ENDED_AT, "INCONCLUSIVE"),
            (STARTED_AT, None, "INCONCLUSIVE"),
            (None, "2026-11-03T09:00:00.000001Z", "FAIL"),
        ],
    )
    def test_times__against_the_window_with_both_ends_inside(
        self, started_at: str | None, ended_at: str | None, outcome: str
    ) -> None:
        document = evidence_of(started_at=started_at, ended_at=ended_at)
        assert outcome_of("A-004", document)[0] == outcome

    def test_times__in_other_zones__are_compared_as_times(self) -> None:
        document = evidence_of(started_at="2026-11-02T10:00:00+01:00")
        assert outcome_of("A-004", document)[0] == "PASS"

    def test_window__not_known__is_inconclusive_and_names_both_ends(self) -> None:
        outcome, reason = outcome_of("A-004", evidence_of(approval={}))
        assert outcome == "INCONCLUSIVE"
        assert "the opening of" in reason
        assert "the end of the activation window" in reason


class TestA005Rollback:
    def test_steps__with_a_rollback__pass(self) -> None:
        assert outcome_of("A-005", evidence_of())[0] == "PASS"

    @pytest.mark.parametrize("index", [0, 1, 2])
    def test_step__of_any_type_without_one__is_inconclusive(self, index: int) -> None:
        document = evidence_of()
        document["steps"][index]["rollback_action"] = None
        outcome, reason = outcome_of("A-005", document)
        assert outcome == "INCONCLUSIVE"
        assert reason == f"Step {index + 1} completed and has no known rollback."

    def test_rollback__only_in_the_report__passes(self) -> None:
        document = evidence_of(step_results=results_with(1, output={"rollback_action": {"a": 1}}))
        document["steps"][1]["rollback_action"] = None
        assert outcome_of("A-005", document)[0] == "PASS"

    def test_step__that_did_not_complete__needs_none(self) -> None:
        document = evidence_of(step_results=[result(0, status="FAILED", output=None)])
        document["steps"][0]["rollback_action"] = None
        assert outcome_of("A-005", document) == ("PASS", "No step completed.")


class TestA006Signals:
    def test_list__that_is_missing__is_inconclusive(self) -> None:
        assert outcome_of("A-006", evidence_of(signals=None))[0] == "INCONCLUSIVE"

    def test_list__that_is_empty__passes(self) -> None:
        outcome, reason = outcome_of("A-006", evidence_of())
        assert (outcome, reason) == ("PASS", "No signal was recorded during the job.")

    @pytest.mark.parametrize("scope", ["Search", "SYSTEM"])
    def test_signal__blocked__fails_and_is_quoted(self, scope: str) -> None:
        outcome, reason = outcome_of("A-006", evidence_of(signals=[signal(scope, "BLOCKED")]))
        assert outcome == "FAIL"
        assert "A monitor saw it." in reason

    def test_signal__of_another_capability__does_not_count(self) -> None:
        document = evidence_of(signals=[signal("Billing", "BLOCKED")])
        assert outcome_of("A-006", document)[0] == "PASS"

    def test_signal__healthy__passes(self) -> None:
        document = evidence_of(signals=[signal("Search", "HEALTHY")])
        assert outcome_of("A-006", document)[0] == "PASS"

    @pytest.mark.parametrize(
        ("before", "outcome"),
        [
            (health(Search="HEALTHY"), "FAIL"),
            (health(Search="DEGRADED"), "PASS"),
            (health(Search="BLOCKED"), "PASS"),
            (health(Billing="HEALTHY"), "INCONCLUSIVE"),
            (None, "INCONCLUSIVE"),
        ],
    )
    def test_signal__degraded__contradicts_a_job_that_began_healthy(
        self, before: Any, outcome: str
    ) -> None:
        document = evidence_of(signals=[signal("Search", "DEGRADED")], health_before=before)
        assert outcome_of("A-006", document)[0] == outcome

    def test_signal__degraded_in_a_job_that_failed__contradicts_nothing(self) -> None:
        document = evidence_of(signals=[signal("Search", "DEGRADED")], job_status="FAILED")
        assert outcome_of("A-006", document)[0] == "PASS"

    def test_signal__whose_decision_nobody_knows__is_inconclusive(self) -> None:
        document = evidence_of(signals=[signal("Search", "PURPLE")])
        assert outcome_of("A-006", document)[0] == "INCONCLUSIVE"
