"""The acceptance cases of eligibility."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cases import cases_of, needs_cases
from tests.support.eligibility import verdict_of_case

CASES = cases_of("eligibility")


@needs_cases
def test_cases__of_eligibility__are_there() -> None:
    assert len(CASES) >= 31


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_case__decided__as_expected(case: dict[str, Any]) -> None:
    verdict = verdict_of_case(case["given"])
    results = {row["rule_id"]: row for row in verdict.rule_results}
    for name, expected in case["expect"].items():
        match name:
            case "passed":
                assert {code: results[code]["passed"] for code in expected} == expected
            case "rules_asked":
                assert list(results) == expected
            case "reason":
                assert verdict.reason
                assert expected.get("contains_ci", "").lower() in verdict.reason.lower()
            case _:
                assert getattr(verdict, name) == expected, verdict
    assert all(row["rule_name"] and row["reason"] and row["evidence"] for row in results.values())
    assert verdict.rules_evaluated == len(results)
