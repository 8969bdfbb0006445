"""The form of the two verdicts on a proposal: the validator's and eligibility's.

The validator advises. Eligibility decides whether a report MAY become a contract. The contract
stores both verdicts as they arrived.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from governance.domain.errors import InvalidVerdictError
from governance.domain.strict_json import require_plain_json
from governance.domain.values import EligibilityDecision


def _require_aware(text: str) -> str:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a time in ISO 8601") from None
    if parsed.tzinfo is None:
        raise ValueError("must name its time zone")
    return text


# Stored as the text that arrived, so that the verdict's digest does not change.
IsoTime = Annotated[str, AfterValidator(_require_aware)]
VerdictT = TypeVar("VerdictT", bound=BaseModel)
IssueType = Literal[
    "capability_request", "bug_report", "configuration_change", "escalation", "unknown"
]
ISSUE_TYPES: tuple[str, ...] = get_args(IssueType)
ReasonText = Annotated[str, Field(max_length=4000)]


class ValidatorVerdict(BaseModel):
    """The validator's advice: the type of the report, its severity, and the confidence."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    issue_type: IssueType
    severity: Literal["critical", "high", "medium", "low"]
    affected_capabilities: list[str]
    recommended_action: Literal["create_contract", "defer", "reject", "escalate"]
    confidence_score: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    reason: ReasonText
    analyzed_at: IsoTime
    validator_version: Annotated[str, Field(min_length=1, max_length=50)]
    evidence: Any = None


class EligibilityVerdict(BaseModel):
    """The decision whether a report MAY or MAY_NOT become a contract, with its rules."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    decision: Literal["MAY", "MAY_NOT"]
    reason: Annotated[ReasonText, Field(min_length=1)]
    rules_evaluated: int | list[Any]
    first_failing_rule: str | None
    blocking_signals: list[Any]
    missing_prerequisites: list[Any]
    evaluated_at: IsoTime
    rules_version: Annotated[str, Field(min_length=1, max_length=50)]
    rule_results: Any = None

    @property
    def may(self) -> bool:
        return self.decision == EligibilityDecision.MAY


def parse_validator_verdict(document: Any) -> ValidatorVerdict:
    """Parse a validator's verdict.

    Raises:
        InvalidVerdictError: with the path and message of each invalid field.
    """
    return _parse(ValidatorVerdict, document, "validator_verdict")


def parse_eligibility_verdict(document: Any) -> EligibilityVerdict:
    """Parse an eligibility verdict.

    Raises:
        InvalidVerdictError: with the path and message of each invalid field; also for a MAY that
            names a failing rule, because the two contradict each other.
    """
    verdict = _parse(EligibilityVerdict, document, "eligibility_verdict")
    if verdict.may and verdict.first_failing_rule is not None:
        raise InvalidVerdictError.at(
            "eligibility_verdict.first_failing_rule", "a MAY verdict cannot name a failing rule"
        )
    return verdict


def _parse(form: type[VerdictT], document: Any, path: str) -> VerdictT:
    require_plain_json(document, path)
    try:
        return form.model_validate(document)
    except ValidationError as error:
        faults = [
            {
                "path": ".".join([path, *map(str, fault["loc"])]),
                "message": fault["msg"].removeprefix("Value error, "),
            }
            for fault in error.errors(include_url=False, include_input=False)
        ]
        first = faults[0]
        raise InvalidVerdictError(f"{first['path']}: {first['message']}.", errors=faults) from None
