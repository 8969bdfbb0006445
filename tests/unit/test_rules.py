"""What a verdict says of each of the gate's rules."""

from __future__ import annotations

from typing import Any

import pytest

from governance.vocabulary.rules import RULES, RuleOutcome, rule_results

CODES = [rule.code for rule in RULES]
MAY: dict[str, Any] = {
    "decision": "MAY",
    "reason": "All eligibility rules passed",
    "rules_evaluated": 11,
    "first_failing_rule": None,
}


def outcomes(verdict: dict[str, Any]) -> str:
    marks = {RuleOutcome.FINE: "+", RuleOutcome.REFUSED: "!", RuleOutcome.NOT_ASKED: "-"}
    return "".join(marks[result.outcome] for result in rule_results(verdict)[0])


def test_rules__refusing_ones_first() -> None:
    assert CODES[:5] == ["E-104", "E-100", "E-101", "E-102", "E-103"]
    assert [rule.refusing for rule in RULES] == [True] * 5 + [False] * 6


@pytest.mark.parametrize("asked", [11, CODES])
def test_results__of_a_may_that_asked_all__are_all_fine(asked: Any) -> None:
    assert outcomes(MAY | {"rules_evaluated": asked}) == "+" * 11
    assert rule_results(MAY)[1] is False


@pytest.mark.parametrize(
    ("failing", "told"),
    [("E-104", "!----------"), ("E-002", "++++++!----"), ("E-006", "+" * 10 + "!")],
)
def test_results__of_a_refusal__stop_at_the_rule_that_refused(failing: str, told: str) -> None:
    verdict = MAY | {"decision": "MAY_NOT", "first_failing_rule": failing, "reason": "No."}
    assert outcomes(verdict) == told
    refused = rule_results(verdict)[0][CODES.index(failing)]
    assert (refused.code, refused.reason) == (failing, "No.")


@pytest.mark.parametrize(
    "unclear",
    [
        {"rules_evaluated": 9},
        {"rules_evaluated": ["E-104"]},
        {"decision": "MAY_NOT"},
        {"decision": "MAY_NOT", "first_failing_rule": "X-1"},
    ],
)
def test_results__that_cannot_be_told__are_none(unclear: dict[str, Any]) -> None:
    assert rule_results(MAY | unclear) == ([], False)


def test_results__that_the_verdict_lists__are_those() -> None:
    listed = [
        {"rule": "E-001", "passed": True, "reason": "0.82 is enough."},
        {"rule": "X-9", "passed": False},
        {"rule": "E-104", "passed": True, "reason": 7},
    ]
    results, is_listed = rule_results(MAY | {"rule_results": listed})
    assert is_listed
    assert [(r.code, r.outcome, r.reason, r.refusing) for r in results] == [
        ("E-001", RuleOutcome.FINE, "0.82 is enough.", False),
        ("X-9", RuleOutcome.REFUSED, "", False),
        ("E-104", RuleOutcome.FINE, "", True),
    ]
    assert (results[0].asks, results[1].asks) == ("confidence is at least 0.70", "")


@pytest.mark.parametrize("odd", ["E-001", [7], [{"rule": "E-001"}], {"E-001": True}, []])
def test_results__listed_in_another_shape__are_taken_from_the_count(odd: Any) -> None:
    assert outcomes(MAY | {"rule_results": odd}) == "+" * 11
