"""The judgement of a job: the verdict from seven checks, its reason, and the acceptance cases."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.authorities.audit.judgement import (
    AUDITOR_VERSION,
    CHECKS,
    CONSEQUENCES,
    Judgement,
    judge_evidence,
    verdict_of,
)
from governance.domain.strict_json import require_plain_json
from governance.domain.values import AuditVerdict
from tests.support.cases import cases_of, needs_cases
from tests.support.evidence import (
    SEARCH_BEFORE,
    evidence_of,
    health,
    observation,
    outcomes_of,
    result,
    routes_of,
    signal,
)

PASS, FAIL, INCONCLUSIVE = AuditVerdict.PASS, AuditVerdict.FAIL, AuditVerdict.INCONCLUSIVE
ALL_CHECKS = [check_id for check_id, *_ in CHECKS]

HONEST = evidence_of()
AFTER = HONEST["observations"]["after"][0]["state"]
LIGHTER = AFTER | {"configuration": AFTER["configuration"] | {"theme": "light"}}

# Evidence of a job that one check alone finds wrong, or cannot conclude on.
FAILURES: dict[str, dict[str, Any]] = {
    "A-001": {"step_results": [result(0, output={"target": "Billing"}), result(1), result(2)]},
    "A-002": {"health_after": health(Search="DEGRADED")},
    "A-003": {"step_results": [result(0), result(1, output={"new_value": 9}), result(2)]},
    "A-004": {"started_at": "2026-11-02T08:00:00Z"},
    "A-006": {"signals": [signal("Search", "BLOCKED")]},
    "A-007": {"observations": HONEST["observations"] | {"after": [observation("Search", LIGHTER)]}},
}
GAPS: dict[str, dict[str, Any]] = {
    "A-001": {"affected_capabilities": None},
    "A-002": {"health_before": None},
    "A-004": {"ended_at": None},
    "A-005": {"steps": [step | {"rollback_action": None} for step in HONEST["steps"]]},
    "A-006": {"signals": None},
    "A-007": {"observations": HONEST["observations"] | {"before": None}},
}


class TestSevenChecks:
    def test_checks__are_seven_in_order_each_with_a_question(self) -> None:
        assert [check_id for check_id, *_ in CHECKS] == [f"A-00{number}" for number in range(1, 8)]
        assert all(question.endswith("?") for _, _, question, _ in CHECKS)

    def test_honest_job__passes_all_seven(self) -> None:
        judgement = judge_evidence(evidence_of())
        assert outcomes_of(judgement) == dict.fromkeys(ALL_CHECKS, "PASS")
        assert (judgement.verdict, judgement.reason) == (PASS, "All seven checks passed.")
        assert (judgement.count(PASS), judgement.count(FAIL)) == (7, 0)

    @pytest.mark.parametrize("check_id", FAILURES)
    def test_check__that_fails_alone__decides_and_is_named(self, check_id: str) -> None:
        judgement = judge_evidence(evidence_of(**FAILURES[check_id]))
        assert outcomes_of(judgement) == dict.fromkeys(ALL_CHECKS, "PASS") | {check_id: "FAIL"}
        assert judgement.verdict is FAIL
        assert judgement.reason.startswith(f"{check_id} (")

    @pytest.mark.parametrize("check_id", GAPS)
    def test_check__that_cannot_conclude_alone__makes_it_inconclusive(self, check_id: str) -> None:
        judgement = judge_evidence(evidence_of(**GAPS[check_id]))
        expected = dict.fromkeys(ALL_CHECKS, "PASS") | {check_id: "INCONCLUSIVE"}
        assert outcomes_of(judgement) == expected
        assert judgement.verdict is INCONCLUSIVE
        assert judgement.reason.startswith(f"{check_id} (")

    def test_rule__taken_out__lets_the_wrong_job_pass(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for check_id, fields in FAILURES.items():
            others = tuple(check for check in CHECKS if check[0] != check_id)
            monkeypatch.setattr("governance.authorities.audit.judgement.CHECKS", others)
            assert judge_evidence(evidence_of(**fields)).verdict is PASS, check_id

    @pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
    def test_job__that_did_not_complete__fails_with_its_own_reason(self, status: str) -> None:
        judgement = judge_evidence(evidence_of(job_status=status, end_reason="Step 1 failed."))
        assert judgement.verdict is FAIL
        assert judgement.reason == f"The job ended {status}: Step 1 failed."

    def test_reason__of_reports_that_were_trusted__says_so(self) -> None:
        document = evidence_of(observations=None)
        document["routes"] = routes_of(document, trust_reports=True)
        judgement = judge_evidence(document)
        assert judgement.verdict is PASS
        assert "reports were trusted for Search" in judgement.reason

    def test_reason__where_executor_and_observer_share_a_database__says_so(self) -> None:
        document = evidence_of()
        document["routes"] = routes_of(document, shares_database=True)
        assert "share one database" in judge_evidence(document).reason

    def test_reason__of_observed_reports__claims_no_trust(self) -> None:
        document = evidence_of()
        document["routes"] = routes_of(document, trust_reports=True)
        assert judge_evidence(document).reason == "All seven checks passed."

    def test_reason__of_a_thousand_failures__stays_short(self) -> None:
        changes = [
            {
                "type": "configuration_update",
                "scope": "Search",
                "key": f"k{n}",
                "new_value": "x" * 999,
            }
            for n in range(1000)
        ]
        document = evidence_of(changes)
        document["observations"]["after"] = [observation("Search", SEARCH_BEFORE)]
        judgement = judge_evidence(document)
        assert len(judgement.reason) <= 4000
        assert "And 995 more." in judgement.reason
        assert len(json.dumps(judgement.checks_as_documents())) < 50_000

    def test_documents__of_deeply_nested_values__can_be_recorded(self) -> None:
        value: Any = 1
        for _ in range(25):
            value = [value]
        change = {"type": "configuration_update", "scope": "Search", "key": "k", "new_value": value}
        documents = judge_evidence(evidence_of([change])).checks_as_documents()
        require_plain_json(documents)
        assert [document["id"] for document in documents] == ALL_CHECKS

    def test_version__of_the_auditor__has_three_numbers(self) -> None:
        assert len(AUDITOR_VERSION.split(".")) == 3


OUTCOMES = st.lists(st.sampled_from([PASS, FAIL, INCONCLUSIVE]), max_size=7)


class TestVerdictOfOutcomes:
    @given(OUTCOMES)
    def test_any_fail__wins__whatever_the_others_are(self, outcomes: list[AuditVerdict]) -> None:
        assert verdict_of([*outcomes, FAIL]) is FAIL
        assert verdict_of([FAIL, *outcomes]) is FAIL

    @given(OUTCOMES)
    def test_no_fail__any_inconclusive_wins(self, outcomes: list[AuditVerdict]) -> None:
        others = [one for one in outcomes if one is not FAIL]
        assert verdict_of([*others, INCONCLUSIVE]) is INCONCLUSIVE

    @given(OUTCOMES.flatmap(st.permutations))
    def test_order__of_outcomes__does_not_matter(self, outcomes: list[AuditVerdict]) -> None:
        assert verdict_of(outcomes) is verdict_of(sorted(outcomes))

    def test_no_outcomes__are_inconclusive(self) -> None:
        assert verdict_of([]) is INCONCLUSIVE


SCOPES = ("Search", "Billing", "Mail")
STATES = st.fixed_dictionaries(
    {scope: st.sampled_from([SEARCH_BEFORE, {"configuration": {}}]) for scope in SCOPES}
)
SIGNALS = st.lists(
    st.builds(signal, st.sampled_from(SCOPES), st.sampled_from(["HEALTHY", "DEGRADED", "BLOCKED"])),
    max_size=5,
)


class TestOrderDoesNotMatter:
    @given(STATES, STATES, SIGNALS, st.randoms())
    def test_observations_and_signals__in_any_order__the_same_outcomes(
        self, before: Any, after: Any, signals: list[Any], random: Any
    ) -> None:
        document = evidence_of(signals=signals, affected_capabilities=list(SCOPES))
        document["observations"] = {
            "before": [observation(*one) for one in before.items()],
            "steps": [],
            "after": [observation(*one) for one in after.items()],
        }
        judged = outcomes_of(judge_evidence(document))
        for shuffled in (
            document["signals"],
            document["observations"]["before"],
            document["observations"]["after"],
            document["step_results"],
        ):
            random.shuffle(shuffled)
        assert outcomes_of(judge_evidence(document)) == judged

    @given(st.sampled_from(sorted(FAILURES)), st.sets(st.sampled_from(sorted(GAPS))))
    def test_any_fail__beside_any_gaps__is_fail(self, failing: str, gaps: set[str]) -> None:
        fields: dict[str, Any] = {}
        for gap in sorted(gaps - {failing}):
            fields |= GAPS[gap]
        assert judge_evidence(evidence_of(**fields | FAILURES[failing])).verdict is FAIL


# --- the acceptance cases -----------------------------------------------------------------------
def case_plan(proposed: Any) -> list[dict[str, Any]]:
    """Return the steps of a case's changes, which may be half a change."""
    documents = proposed.get("changes", [proposed]) if isinstance(proposed, dict) else proposed
    return [
        {
            "step_index": index,
            "step_type": change.get("type", ""),
            "target": change.get("capability_name") or change["scope"],
            "change": change if "target_lifecycle" in change or "key" in change else {},
            "rollback_action": None,
            "status": "COMPLETED",
        }
        for index, change in enumerate(document for document in documents if document)
    ]


def case_health(snapshot: dict[str, str] | None) -> dict[str, Any] | None:
    if snapshot is None:
        return None
    understood = {"UNHEALTHY": "BLOCKED"}
    capabilities = {scope: understood.get(one, one) for scope, one in snapshot.items()}
    return {"system": "HEALTHY", "capabilities": capabilities}


def case_evidence(given: dict[str, Any]) -> dict[str, Any]:
    return evidence_of(
        job_status=given["job_status"],
        affected_capabilities=given["contract_scope"],
        steps=case_plan(given["proposed_changes"]),
        step_results=[
            {"step_index": index, "output": None} | one
            for index, one in enumerate(given["step_results"])
        ],
        health_before=case_health(given["health_before"]),
        health_after=case_health(given["health_after"]),
        approval={
            "window_opens_at": given["activation_window_start"],
            "window_closes_at": given["activation_window_end"],
        },
        started_at=given["job_started_at"],
        ended_at=given["job_completed_at"],
        execution_duration_seconds=given["execution_duration_seconds"],
        observations=None,
        routes=[],
        signals=None,
    )


def check_case(expect: dict[str, Any], judgement: Judgement, document: dict[str, Any]) -> None:
    record = judgement.as_record(document)
    for name, expected in expect.items():
        match name:
            case "verdict":
                assert judgement.verdict == expected
            case "checks":
                outcomes = outcomes_of(judgement)
                assert {check_id: outcomes[check_id] for check_id in expected} == expected
            case "checks_failed":
                assert record["checks_failed"] >= expected["min"]
            case "checks_performed":
                assert record["checks_performed"] == expected
            case "evidence_summary":
                assert sorted(record["evidence"]) == expected
            case "health_snapshot_before" | "health_snapshot_after":
                assert record[name]["capabilities"] == expected
            case "record_keys":
                # The row adds its id, its time, and how long the audit took.
                row = {"audit_id", "audited_at", "duration_ms"}
                assert {*record} | row == {*expected}
            case other:
                raise AssertionError(f"nobody checks {other}")


@needs_cases
@pytest.mark.parametrize("case", cases_of("audit"), ids=lambda case: case["id"])
def test_acceptance_case__of_the_auditor__holds(case: dict[str, Any]) -> None:
    given, expect = case["given"], case["expect"]
    if "checks" in given:
        assert verdict_of(AuditVerdict(one) for one in given["checks"]) == expect["verdict"]
    elif "audit_verdict" in given:
        action = CONSEQUENCES[AuditVerdict(given["audit_verdict"])]
        assert (action == "rollout", action) == (expect["rollout_authorized"], expect["action"])
    else:
        document = case_evidence(given)
        check_case(expect, judge_evidence(document), document)
