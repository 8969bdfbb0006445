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


def test_rules__refusing_ones_first() -> None:
    assert ERROR_CODES[:5] == ["E-104", "E-100", "E-101", "E-102", "E-103"]
    assert [rule.blocks_when_true for rule in RULES] == [True] * 5 + [False] * 6


@pytest.mark.parametrize("asked", [11, 9, ERROR_CODES, None])
def test_results__that_the_verdict_does_not_list__are_none(asked: Any) -> None:
    assert rule_results(MAY | {"rules_evaluated": asked}) == []
    refusal = {"decision": "MAY_NOT", "first_failing_rule": "E-002"}
    assert rule_results(MAY | refusal | {"rules_evaluated": asked}) == []


def test_results__that_the_verdict_lists__are_those() -> None:
    listed = [
        {"rule": "E-001", "passed": True, "reason": "0.82 is enough."},
        {"rule_id": "E-002", "passed": False, "rule_name": "Other words"},
        {"rule_id": "X-9", "passed": False, "rule_name": "Moon phase"},
        {"rule": "E-104", "passed": True, "reason": 7},
    ]
    results = rule_results(MAY | {"rule_results": listed})
    assert [(r.code, r.condition, r.outcome, r.reason, r.blocks_when_true) for r in results] == [
        ("E-001", "confidence reaches the threshold", RuleOutcome.PASSED, "0.82 is enough.", False),
        ("E-002", "every capability is known", RuleOutcome.REFUSED, "", False),
        ("X-9", "Moon phase", RuleOutcome.REFUSED, "", False),
        ("E-104", "the system's health is not HEALTHY", RuleOutcome.PASSED, "", True),
    ]


@pytest.mark.parametrize(
    "odd", ["E-001", [7], [{"rule": "E-001"}], {"E-001": True}, [], [{"rule": 1, "passed": True}]]
)
def test_results__listed_in_another_shape__are_none(odd: Any) -> None:
    assert rule_results(MAY | {"rule_results": odd}) == []
