"""The acceptance cases of the validator."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from governance.authorities.validator.confidence import (
    action_for,
    capability_confidence,
    confidence_of,
    source_weight,
    stored_confidence,
)
from governance.authorities.validator.name_index import NameIndex
from governance.authorities.validator.report import report_of_payload
from governance.authorities.validator.verdict import validate_report
from tests.support.cases import cases_of, needs_cases
from tests.unit.validator.support import AT

CASES = cases_of("validator")
REPORTS = [case for case in CASES if "raw_payload" in case["given"]]
ACTIONS = [case for case in CASES if "confidence_score" in case["given"]]
CONFIDENCES = [case for case in CASES if "type_confidence" in case["given"]]


def ids(cases: list[dict[str, Any]]) -> list[str]:
    return [case["id"] for case in cases]


@needs_cases
class TestAcceptanceCases:
    @pytest.mark.parametrize("case", REPORTS, ids=ids(REPORTS))
    def test_report__as_given__has_the_expected_verdict(self, case: dict[str, Any]) -> None:
        given = case["given"]
        verdict = validate_report(
            report_of_payload(source=given["source"], payload=given["raw_payload"]),
            registry=NameIndex(given["capability_registry"]),
            at=AT,
        ).model_dump()
        for field, expected in case["expect"].items():
            assert meets(verdict[field], expected), (field, verdict[field], expected)

    @pytest.mark.parametrize("case", ACTIONS, ids=ids(ACTIONS))
    def test_action__as_given__is_the_expected_one(self, case: dict[str, Any]) -> None:
        given = case["given"]
        action = action_for(
            issue_type=given["issue_type"],
            severity=given["severity"],
            confidence=Decimal(given["confidence_score"]),
        )
        assert action == case["expect"]["recommended_action"]

    @pytest.mark.parametrize("case", CONFIDENCES, ids=ids(CONFIDENCES))
    def test_confidence__as_given__is_the_expected_one(self, case: dict[str, Any]) -> None:
        given = case["given"]
        confidence = confidence_of(
            source=source_weight(given["source"]),
            of_type=Decimal(given["type_confidence"]),
            capabilities=capability_confidence(
                given["affected_capabilities"], given["capability_registry"]
            ),
        )
        assert str(stored_confidence(confidence)) == case["expect"]["confidence_score"]

    def test_cases__as_a_whole__are_all_run(self) -> None:
        assert len(REPORTS) + len(ACTIONS) + len(CONFIDENCES) == len(CASES) == 102


def meets(value: Any, expected: Any) -> bool:
    """Return whether a field of a verdict is what a case expects."""
    match expected:
        case "object":
            return isinstance(value, dict)
        case "non-empty text":
            return isinstance(value, str) and bool(value)
        case "time with time zone":
            return datetime.fromisoformat(value).tzinfo is not None
        case {"nonempty": True}:
            return bool(value)
        case {"matches": pattern}:
            return bool(re.search(pattern, value))
        case {"in": allowed}:
            return value in allowed
        case dict():
            return expected.get("min", value) <= value <= expected.get("max", value)
    return value == expected
