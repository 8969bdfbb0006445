"""Validation of verdicts, and the form in which a contract stores them."""

from __future__ import annotations

from typing import Any

import pytest

from governance.domain.errors import InvalidInputError, InvalidVerdictError
from governance.domain.verdicts import parse_eligibility_verdict, parse_validator_verdict
from tests.support.factories import MAY, MAY_NOT, VALIDATOR_VERDICT


def fault_of(parse: Any, document: Any) -> dict[str, str]:
    with pytest.raises(InvalidVerdictError) as caught:
        parse(document)
    assert caught.value.code == "invalid_verdict"
    return caught.value.errors[0]


@pytest.mark.parametrize("field", ["evidence", None])
def test_validator_verdict__well_formed__read(field: str | None) -> None:
    extra = {field: {"matched": ["enable"]}} if field else {}
    verdict = parse_validator_verdict(VALIDATOR_VERDICT | extra)
    assert verdict.confidence_score == 0.85
    assert verdict.affected_capabilities == ["Search"]


def test_eligibility_verdict__may__may() -> None:
    assert parse_eligibility_verdict(MAY).may is True


def test_eligibility_verdict__may_not__may_not() -> None:
    verdict = parse_eligibility_verdict(MAY_NOT)
    assert (verdict.may, verdict.first_failing_rule) == (False, "E-001")


@pytest.mark.parametrize("field", VALIDATOR_VERDICT)
def test_validator_verdict__without_a_field__refused_with_its_path(field: str) -> None:
    document = {name: value for name, value in VALIDATOR_VERDICT.items() if name != field}
    assert fault_of(parse_validator_verdict, document)["path"] == f"validator_verdict.{field}"


@pytest.mark.parametrize("field", MAY)
def test_eligibility_verdict__without_a_field__refused_with_its_path(field: str) -> None:
    document = {name: value for name, value in MAY.items() if name != field}
    assert fault_of(parse_eligibility_verdict, document)["path"] == f"eligibility_verdict.{field}"


VALIDATOR_FAULTS: dict[str, Any] = {
    "issue_type": "request",
    "severity": "CRITICAL",
    "affected_capabilities": "Search",
    "recommended_action": "approve",
    "confidence_score": 1.01,
    "reason": None,
    "analyzed_at": "yesterday",
    "validator_version": "",
    "certainty": 1,
}
ELIGIBILITY_FAULTS: dict[str, Any] = {
    "decision": "may",
    "reason": "",
    "rules_evaluated": "eleven",
    "first_failing_rule": 1,
    "blocking_signals": {},
    "missing_prerequisites": None,
    "evaluated_at": "2026-11-02T09:00:01",  # no time zone
    "rules_version": "",
    "override": True,
}


@pytest.mark.parametrize(("field", "value"), VALIDATOR_FAULTS.items())
def test_validator_verdict__with_a_wrong_field__refused_with_its_path(
    field: str, value: Any
) -> None:
    fault = fault_of(parse_validator_verdict, VALIDATOR_VERDICT | {field: value})
    assert fault["path"].startswith(f"validator_verdict.{field}")


@pytest.mark.parametrize(("field", "value"), ELIGIBILITY_FAULTS.items())
def test_eligibility_verdict__with_a_wrong_field__refused_with_its_path(
    field: str, value: Any
) -> None:
    fault = fault_of(parse_eligibility_verdict, MAY | {field: value})
    assert fault["path"].startswith(f"eligibility_verdict.{field}")


def test_eligibility_verdict__may_that_names_a_failing_rule__refused() -> None:
    fault = fault_of(parse_eligibility_verdict, MAY | {"first_failing_rule": "E-104"})
    assert fault["path"] == "eligibility_verdict.first_failing_rule"


@pytest.mark.parametrize("parse", [parse_validator_verdict, parse_eligibility_verdict])
@pytest.mark.parametrize("document", [None, [], "MAY", 1, {}])
def test_verdict__that_is_no_verdict__refused(parse: Any, document: Any) -> None:
    assert fault_of(parse, document)


@pytest.mark.parametrize("score", [True, "0.5", None, -0.01])
def test_confidence__that_is_no_number_from_0_to_1__refused(score: Any) -> None:
    document = VALIDATOR_VERDICT | {"confidence_score": score}
    fault = fault_of(parse_validator_verdict, document)
    assert fault["path"] == "validator_verdict.confidence_score"


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_confidence__that_json_cannot_carry__refused(score: float) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_validator_verdict(VALIDATOR_VERDICT | {"confidence_score": score})
    assert caught.value.errors[0]["path"] == "validator_verdict.confidence_score"


def test_times__are_kept_as_the_text_that_came() -> None:
    text = "2026-11-02T14:30:00+05:30"
    assert parse_validator_verdict(VALIDATOR_VERDICT | {"analyzed_at": text}).analyzed_at == text
