"""The outcome of each eligibility rule, as read from a verdict."""

from __future__ import annotations

from typing import Any

import pytest

from governance.domain.rules import RULES, RuleOutcome, rule_results

ERROR_CODES = [rule.code for rule in RULES]
MAY: dict[str, Any] = {
    "decision": "MAY",
    "reason": "All eligibility rules passed",
    "rules_evaluated": 11,
    "first_failing_rule": None,
}


def outcomes(verdict: dict[str, Any]) -> str:
    marks = {RuleOutcome.PASSED: "+", RuleOutcome.REFUSED: "!", RuleOutcome.NOT_EVALUATED: "-"}
    return "".join(marks[result.outcome] for result in rule_results(verdict)[0])


def test_rules__refusing_ones_first() -> None:
    assert ERROR_CODES[:5] == ["E-104", "E-100", "E-101", "E-102", "E-103"]
    assert [rule.blocks_when_true for rule in RULES] == [True] * 5 + [False] * 6


@pytest.mark.parametrize("asked", [11, ERROR_CODES])
def test_results__of_a_may_that_asked_all__are_all_fine(asked: Any) -> None:
    assert outcomes(MAY | {"rules_evaluated": asked}) == "+" * 11
    assert rule_results(MAY)[1] is False


@pytest.mark.parametrize(
    ("failing", "expected"),
    [("E-104", "!----------"), ("E-002", "++++++!----"), ("E-006", "+" * 10 + "!")],
)
def test_results__of_a_refusal__stop_at_the_rule_that_refused(failing: str, expected: str) -> None:
    verdict = MAY | {"decision": "MAY_NOT", "first_failing_rule": failing, "reason": "No."}
    assert outcomes(verdict) == expected
    refused = rule_results(verdict)[0][ERROR_CODES.index(failing)]
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
def test_results__that_cannot_be_determined__are_none(unclear: dict[str, Any]) -> None:
    assert rule_results(MAY | unclear) == ([], False)


def test_results__that_the_verdict_lists__are_those() -> None:
    listed = [
        {"rule": "E-001", "passed": True, "reason": "0.82 is enough."},
        {"rule": "X-9", "passed": False},
        {"rule": "E-104", "passed": True, "reason": 7},
    ]
    results, is_listed = rule_results(MAY | {"rule_results": listed})
    assert is_listed
    assert [(r.code, r.outcome, r.reason, r.blocks_when_true) for r in results] == [
        ("E-001", RuleOutcome.PASSED, "0.82 is enough.", False),
        ("X-9", RuleOutcome.REFUSED, "", False),
        ("E-104", RuleOutcome.PASSED, "", True),
    ]
    assert (results[0].condition, results[1].condition) == ("confidence is at least 0.70", "")


@pytest.mark.parametrize("odd", ["E-001", [7], [{"rule": "E-001"}], {"E-001": True}, []])
def test_results__listed_in_another_shape__are_taken_from_the_count(odd: Any) -> None:
    assert outcomes(MAY | {"rule_results": odd}) == "+" * 11
