"""Check a step report before anything is locked for it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from governance.vocabulary.canonical import canonical_text, require_plain_json, timestamp
from governance.vocabulary.errors import InvalidInputError
from governance.vocabulary.values import StepReport, StepStatus

LONGEST_ERROR = 10_000


def require_report(report: StepReport) -> None:
    """Refuse a report that cannot be kept as it is, with the path of the field."""
    if isinstance(report.step_index, bool) or not isinstance(report.step_index, int):
        raise InvalidInputError.at("step_index", "must be a whole number")
    if not 0 <= report.step_index < 2**31:
        raise InvalidInputError.at("step_index", "must not be negative or absurdly large")
    if report.status not in (StepStatus.COMPLETED, StepStatus.FAILED):
        raise InvalidInputError.at("status", "an executor reports COMPLETED or FAILED")
    for name in ("started_at", "completed_at"):
        if getattr(report, name).tzinfo is None:
            raise InvalidInputError.at(name, "must name its time zone")
    if report.completed_at < report.started_at:
        raise InvalidInputError.at("completed_at", "lies before started_at")
    if len(report.error) > LONGEST_ERROR:
        raise InvalidInputError.at("error", f"must have at most {LONGEST_ERROR} characters")
    if report.status is StepStatus.FAILED and not report.error.strip():
        raise InvalidInputError.at("error", "a failed step says what went wrong")
    if report.status is StepStatus.COMPLETED and report.error:
        raise InvalidInputError.at("error", "a completed step has no error")
    named: list[tuple[str, Any]] = [
        ("output", report.output),
        ("error", report.error),
        ("health_after", report.health_after),
    ]
    for name, value in named:
        require_plain_json(value, name)


def same_report(one: StepReport, other: StepReport) -> bool:
    """Whether two reports say the same as JSON does: 1 is 1.0, but it is not true."""
    return _as_told(one) == _as_told(other)


def _as_told(report: StepReport) -> str:
    return canonical_text(
        asdict(report)
        | {
            "started_at": timestamp(report.started_at),
            "completed_at": timestamp(report.completed_at),
        }
    )
