"""The auditor's checks of fidelity and mutations: plan, reports and observations, compared."""

from __future__ import annotations

from typing import Any

import pytest

from governance.authorities.audit.sealed_job import LaterReading
from tests.support.evidence import (
    SEARCH_BEFORE,
    SEARCH_CHANGES,
    changed_state,
    evidence_of,
    observation,
    outcome_of,
    result,
    routes_of,
)

BILLING_BEFORE: dict[str, Any] = {"lifecycle": "LAUNCHED", "configuration": {"currency": "EUR"}}


def search_after(**configuration: Any) -> dict[str, Any]:
    """Return the state of Search after the three changes, with other configuration."""
    state: dict[str, Any] = SEARCH_BEFORE
    for change in SEARCH_CHANGES:
        state = changed_state(state, change)
    return state | {"configuration": state["configuration"] | configuration}


def with_after(*records: dict[str, Any], **fields: Any) -> dict[str, Any]:
    document = evidence_of(**fields)
    document["observations"]["after"] = list(records)
    return document


def with_output(index: int, **output: Any) -> dict[str, Any]:
    """Return evidence in which one step reports another output."""
    document = evidence_of()
    document["step_results"][index] = result(index, output=output)
    return document


def setting(value: Any, key: str = "page_size") -> dict[str, Any]:
    return {"type": "configuration_update", "scope": "Search", "key": key, "new_value": value}


class TestA003PlanAgainstReports:
    def test_reports__of_every_step__pass(self) -> None:
        outcome, reason = outcome_of("A-003", evidence_of())
        assert (outcome, reason) == (
            "PASS",
            "Every step did what was planned; 3 values were compared.",
        )

    def test_step__without_a_result__fails_whatever_was_observed(self) -> None:
        document = evidence_of()
        document["step_results"].pop()
        assert outcome_of("A-003", document) == ("FAIL", "Step 3 has no result.")

    def test_result__without_a_step__fails(self) -> None:
        document = evidence_of()
        document["step_results"].append(result(3))
        outcome, reason = outcome_of("A-003", document)
        assert (outcome, reason) == ("FAIL", "Step 4 was reported, but it is not in the plan.")

    def test_result__given_twice__fails(self) -> None:
        document = evidence_of()
        document["step_results"].append(result(1))
        assert outcome_of("A-003", document) == ("FAIL", "Step 2 has 2 results.")

    def test_result__failed_in_a_job_that_completed__fails(self) -> None:
        document = evidence_of()
        document["step_results"][1] = result(1, status="FAILED")
        assert outcome_of("A-003", document)[0] == "FAIL"

    @pytest.mark.parametrize(
        ("index", "output"),
        [
            (0, {"target_lifecycle": "LAUNCHED"}),
            (1, {"new_value": 999}),
            (2, {"parameters": {"timeout_seconds": 2.5, "retries": 3}}),
            (1, {"step_type": "capability_disable"}),
            (0, {"state_after": {"lifecycle": "LAUNCHED"}}),
            (1, {"state_after": {"page_size": 999}}),
            (1, {"state_after": {"page_size": "50"}}),
            (1, {"state_after": {"page_size": None}}),
            (1, {"state_after": {"configuration": {"page_size": 999}}}),
        ],
    )
    def test_report__of_another_value_than_planned__fails(
        self, index: int, output: dict[str, Any]
    ) -> None:
        outcome, reason = outcome_of("A-003", with_output(index, **output))
        assert outcome == "FAIL"
        assert reason.startswith(f"Step {index + 1} reported ")

    @pytest.mark.parametrize(
        ("index", "output"),
        [
            (0, {"target_lifecycle": "PREVIEW", "state_after": {"lifecycle": "PREVIEW"}}),
            (1, {"new_value": 50, "state_after": {"page_size": 50, "revision": 7}}),
            (2, {"parameters": {"timeout_seconds": 2.5}, "state_after": "changed"}),
            (1, {"state_after": {"configuration": {"page_size": 50}}}),
        ],
    )
    def test_report__of_the_planned_value__passes(self, index: int, output: dict[str, Any]) -> None:
        assert outcome_of("A-003", with_output(index, **output))[0] == "PASS"

    def test_report__whose_state_before_is_forged__fails(self) -> None:
        outcome, reason = outcome_of("A-003", with_output(1, state_before={"page_size": 21}))
        assert outcome == "FAIL"
        assert reason == (
            'Step 2 reported that "page_size" of Search was 21 before, but the observer found 20.'
        )

    def test_report__of_the_state_that_an_earlier_step_left__passes(self) -> None:
        document = evidence_of([setting(30), setting(50)])
        document["step_results"][1] = result(1, output={"state_before": {"page_size": 30}})
        assert outcome_of("A-003", document)[0] == "PASS"

    def test_report__of_a_state_that_nobody_observed__is_not_compared(self) -> None:
        document = with_output(1, state_before={"page_size": 21})
        document["observations"]["before"] = []
        assert outcome_of("A-003", document)[0] == "PASS"

    def test_secret__in_a_state_before__is_not_compared(self) -> None:
        before = {"lifecycle": "LAUNCHED", "configuration": {"api_key": "hmac-sha256:ab"}}
        document = evidence_of([setting("secret://NEW", "api_key")], before={"Search": before})
        document["step_results"][0] = result(0, output={"state_before": {"api_key": "x"}})
        assert outcome_of("A-003", document)[0] == "PASS"


class TestA003ObservationAgainstPlan:
    def test_value__other_than_planned__fails_and_is_named(self) -> None:
        document = with_after(observation("Search", search_after(page_size=51)))
        outcome, reason = outcome_of("A-003", document)
        assert outcome == "FAIL"
        assert reason == '"page_size" of Search is 51 after the job, but the plan sets 50.'

    def test_nothing_done__and_success_reported__fails(self) -> None:
        document = with_after(observation("Search", SEARCH_BEFORE))
        outcome, reason = outcome_of("A-003", document)
        assert outcome == "FAIL"
        assert "the lifecycle of Search" in reason

    def test_true__where_one_is_planned__fails(self) -> None:
        document = evidence_of([setting(1)])
        document["observations"]["after"][0]["state"]["configuration"]["page_size"] = True
        assert outcome_of("A-003", document)[0] == "FAIL"

    def test_number__in_another_form_of_the_same_value__passes(self) -> None:
        document = evidence_of([setting({"most": 5})])
        document["observations"]["after"][0]["state"]["configuration"]["page_size"] = {"most": 5.0}
        assert outcome_of("A-003", document)[0] == "PASS"

    def test_key__set_to_null__must_be_absent_afterwards(self) -> None:
        document = evidence_of([setting(None)])
        assert outcome_of("A-003", document)[0] == "PASS"
        document["observations"]["after"][0]["state"]["configuration"]["page_size"] = 20
        assert outcome_of("A-003", document)[0] == "FAIL"

    def test_capability__disabled__may_have_no_lifecycle(self) -> None:
        change = {"type": "capability_disable", "capability_name": "Search", "reason": "Sunset."}
        document = evidence_of([change])
        del document["observations"]["after"][0]["state"]["lifecycle"]
        assert outcome_of("A-003", document)[0] == "PASS"

    def test_two_steps__of_one_key__the_later_wins(self) -> None:
        document = evidence_of([setting(30), setting(50)])
        assert outcome_of("A-003", document)[0] == "PASS"
        document["observations"]["after"][0]["state"]["configuration"]["page_size"] = 30
        assert outcome_of("A-003", document)[0] == "FAIL"

    @pytest.mark.parametrize(
        "other", [{"step_index": 0, "page_size": 31}, {"step_index": 1, "page_size": 30}]
    )
    def test_value__observed_after_a_step__is_compared_with_the_plan_so_far(
        self, other: dict[str, Any]
    ) -> None:
        document = evidence_of([setting(30), setting(50)])
        for index, value in ((0, 30), (1, 50)):
            held = SEARCH_BEFORE | {"configuration": {"page_size": value}}
            record = observation("Search", held, step_index=index)
            document["observations"]["steps"].append(record)
        assert outcome_of("A-003", document)[0] == "PASS"
        wrong = SEARCH_BEFORE | {"configuration": {"page_size": other["page_size"]}}
        document["observations"]["steps"][other["step_index"]]["state"] = wrong
        outcome, reason = outcome_of("A-003", document)
        assert outcome == "FAIL"
        assert f"after step {other['step_index'] + 1}" in reason

    def test_step__that_could_not_be_observed__is_left_to_the_observation_after(self) -> None:
        document = evidence_of()
        document["observations"]["steps"] = [observation("Search", None, step_index=1)]
        assert outcome_of("A-003", document)[0] == "PASS"

    def test_secret__whose_reference_was_observed__passes_and_an_hmac_fails(self) -> None:
        document = evidence_of([setting("secret://NEW", "api_key")])
        assert outcome_of("A-003", document)[0] == "PASS"
        document["observations"]["after"][0]["state"]["configuration"]["api_key"] = "hmac:12"
        assert outcome_of("A-003", document)[0] == "FAIL"

    def test_observation__absent__is_inconclusive_with_its_trouble(self) -> None:
        outcome, reason = outcome_of("A-003", with_after(observation("Search", None)))
        assert outcome == "INCONCLUSIVE"
        assert reason == "Search was not observed after the job: The platform did not answer."

    @pytest.mark.parametrize("observations", [None, {"before": None, "steps": [], "after": None}])
    def test_evidence__without_observations__is_inconclusive(self, observations: Any) -> None:
        document = evidence_of(observations=observations)
        outcome, reason = outcome_of("A-003", document)
        assert (outcome, reason) == ("INCONCLUSIVE", "Search was not observed after the job.")

    def test_reports__that_the_route_trusts__pass_without_an_observation(self) -> None:
        document = evidence_of(observations=None)
        document["routes"] = routes_of(document, trust_reports=True)
        outcome, reason = outcome_of("A-003", document)
        assert outcome == "PASS"
        assert "Reports are trusted" in reason

    def test_reports__that_one_route_of_three_does_not_trust__are_inconclusive(self) -> None:
        document = evidence_of(observations=None)
        document["routes"] = routes_of(document, trust_reports=True)
        document["routes"][1]["trust_reports"] = False
        assert outcome_of("A-003", document)[0] == "INCONCLUSIVE"

    def test_two_observers__of_one_scope__each_sees_the_steps_of_its_route(self) -> None:
        document = evidence_of()
        document["routes"][0]["observer"] = "registry"
        for phase, state in (("before", SEARCH_BEFORE), ("after", search_after())):
            record = observation("Search", state, observer="registry")
            document["observations"][phase].append(record)
        assert outcome_of("A-003", document)[0] == "PASS"
        # The platform of the other observer has no lifecycle; its steps are still checked there.
        document["observations"]["after"][0]["state"] = search_after() | {"lifecycle": "DISABLED"}
        assert outcome_of("A-003", document)[0] == "PASS"
        document["observations"]["after"][1]["state"] = SEARCH_BEFORE
        assert outcome_of("A-003", document)[0] == "FAIL"

    def test_observer__of_the_route__must_have_observed_itself(self) -> None:
        document = evidence_of()
        document["routes"] = routes_of(document, observer="git")
        assert outcome_of("A-003", document)[0] == "INCONCLUSIVE"
        assert outcome_of("A-007", document)[0] == "INCONCLUSIVE"

    def test_routes__that_could_not_be_read__leave_the_observer_that_there_is(self) -> None:
        document = evidence_of(routes=None)
        assert outcome_of("A-003", document)[0] == "PASS"
        assert outcome_of("A-007", document)[0] == "PASS"

    def test_reports__trusted_but_observed_otherwise__fail(self) -> None:
        document = with_after(observation("Search", SEARCH_BEFORE))
        document["routes"] = routes_of(document, trust_reports=True)
        assert outcome_of("A-003", document)[0] == "FAIL"

    def test_evidence__without_steps__is_inconclusive(self) -> None:
        document = evidence_of(steps=[], step_results=[])
        assert outcome_of("A-003", document) == ("INCONCLUSIVE", "The evidence has no steps.")

    def test_steps__that_did_not_complete__are_not_expected(self) -> None:
        document = evidence_of(job_status="FAILED")
        for index, status in ((0, "COMPLETED"), (1, "FAILED"), (2, "SKIPPED")):
            document["steps"][index]["status"] = status
        document["step_results"][1]["status"] = "FAILED"
        document["observations"]["after"][0]["state"] = SEARCH_BEFORE | {"lifecycle": "PREVIEW"}
        outcome, reason = outcome_of("A-003", document)
        document["step_results"].pop()
        assert (outcome, reason[:5]) == ("PASS", "Every")
        assert outcome_of("A-003", document) == ("FAIL", "Step 3 has no result.")

    def test_later_observation__of_what_was_absent__decides(self) -> None:
        document = with_after(observation("Search", None))
        later = LaterReading([observation("Search", search_after())])
        assert outcome_of("A-003", document, later=later)[0] == "PASS"
        later = LaterReading([observation("Search", SEARCH_BEFORE)])
        assert outcome_of("A-003", document, later=later)[0] == "FAIL"

    def test_later_observation__of_what_was_observed__replaces_nothing(self) -> None:
        later = LaterReading([observation("Search", SEARCH_BEFORE)])
        assert outcome_of("A-003", evidence_of(), later=later)[0] == "PASS"


class TestA007NoOtherMutation:
    def test_state__equal_but_for_the_plan__passes(self) -> None:
        assert outcome_of("A-007", evidence_of())[0] == "PASS"

    @pytest.mark.parametrize(
        ("configuration", "words"),
        [
            ({"theme": "light"}, '"theme" of Search changed from "dark" to "light"'),
            ({"theme": None}, '"theme" of Search changed from "dark" to no value'),
            ({"extra": 1}, '"extra" of Search changed from no value to 1'),
        ],
    )
    def test_key__changed_beside_the_job__fails_and_is_named(
        self, configuration: dict[str, Any], words: str
    ) -> None:
        document = with_after(observation("Search", search_after(**configuration)))
        outcome, reason = outcome_of("A-007", document)
        assert (outcome, reason) == ("FAIL", f"{words}, which no step of the job does.")

    def test_lifecycle__changed_beside_the_job__fails(self) -> None:
        document = evidence_of([setting(50)])
        document["observations"]["after"][0]["state"]["lifecycle"] = "LAUNCHED"
        outcome, reason = outcome_of("A-007", document)
        assert outcome == "FAIL"
        assert "the lifecycle of Search" in reason

    def test_planned_key__with_another_value__is_left_to_fidelity(self) -> None:
        document = with_after(observation("Search", search_after(page_size=51)))
        assert outcome_of("A-007", document)[0] == "PASS"

    def test_planned_key__of_a_skipped_step__counts_as_a_mutation(self) -> None:
        document = evidence_of(job_status="FAILED")
        document["steps"][2]["status"] = "SKIPPED"
        outcome, reason = outcome_of("A-007", document)
        assert outcome == "FAIL"
        assert '"timeout_seconds" of Search' in reason

    def test_other_capability_in_scope__changed_beside_the_job__fails(self) -> None:
        changed = BILLING_BEFORE | {"configuration": {"currency": "USD"}}
        document = evidence_of(before={"Search": SEARCH_BEFORE, "Billing": BILLING_BEFORE})
        assert outcome_of("A-007", document)[0] == "PASS"
        document["observations"]["after"][1] = observation("Billing", changed)
        outcome, reason = outcome_of("A-007", document)
        assert outcome == "FAIL"
        assert '"currency" of Billing' in reason

    @pytest.mark.parametrize("phase", ["before", "after"])
    def test_scope__not_observed_in_one_phase__is_inconclusive(self, phase: str) -> None:
        document = evidence_of()
        document["observations"][phase] = None
        outcome, reason = outcome_of("A-007", document)
        assert (outcome, reason) == (
            "INCONCLUSIVE",
            f"Search was not observed {phase} the job.",
        )

    def test_capability_of_the_contract__that_no_step_changes__must_be_observed(self) -> None:
        document = evidence_of(affected_capabilities=["Billing", "Search"])
        outcome, reason = outcome_of("A-007", document)
        assert outcome == "INCONCLUSIVE"
        assert reason == "Billing was not observed before the job."
        document["routes"] = routes_of(document, trust_reports=True)
        assert outcome_of("A-007", document)[0] == "PASS"

    def test_evidence__of_an_earlier_version__is_inconclusive(self) -> None:
        document = evidence_of()
        for name in ("observations", "affected_capabilities", "routes", "signals"):
            del document[name]
        outcome, reason = outcome_of("A-007", document)
        assert (outcome, reason) == ("INCONCLUSIVE", "Search was not observed before the job.")

    def test_evidence__without_steps_and_scopes__is_inconclusive(self) -> None:
        document = evidence_of(steps=[], affected_capabilities=[], observations=None)
        outcome, reason = outcome_of("A-007", document)
        assert outcome == "INCONCLUSIVE"
        assert reason == "Nothing was observed before and after the job."

    def test_reports__that_the_route_trusts__pass_without_an_observation(self) -> None:
        document = evidence_of(observations=None)
        document["routes"] = routes_of(document, trust_reports=True)
        assert outcome_of("A-007", document)[0] == "PASS"

    def test_system_scope__has_no_lifecycle_and_passes(self) -> None:
        change = {"type": "parameter_change", "scope": "SYSTEM", "parameters": {"limit": 5}}
        before = {"SYSTEM": {"configuration": {"limit": 4, "region": "eu"}}}
        document = evidence_of([change], before=before)
        assert outcome_of("A-007", document)[0] == "PASS"
        assert outcome_of("A-003", document)[0] == "PASS"
