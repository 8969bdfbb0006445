"""Check a step report before anything is locked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from governance.vocabulary.canonical import canonical_text, require_plain_json, timestamp
from governance.vocabulary.errors import InvalidInputError
from governance.vocabulary.values import StepReport, StepStatus

LONGEST_ERROR = 10_000


MOST_REPORTS = 200


def require_reports(reports: Sequence[StepReport]) -> None:
    """Refuse none, too many, and each that cannot be kept as it is, with the path of the field."""
    if not 1 <= len(reports) <= MOST_REPORTS:
        raise InvalidInputError.at("results", f"must be 1 to {MOST_REPORTS} reports")
    for number, report in enumerate(reports):
        require_report(report, f"results[{number}].")


def require_report(report: StepReport, place: str = "") -> None:
    """Refuse a report that cannot be kept as it is, with the path of the field behind `place`."""
    if isinstance(report.step_index, bool) or not isinstance(report.step_index, int):
        raise InvalidInputError.at(place + "step_index", "must be a whole number")
    if not 0 <= report.step_index < 2**31:
        raise InvalidInputError.at(place + "step_index", "must not be negative or absurdly large")
    if report.status not in (StepStatus.COMPLETED, StepStatus.FAILED):
        raise InvalidInputError.at(place + "status", "an executor reports COMPLETED or FAILED")
    for name in ("started_at", "completed_at"):
        if getattr(report, name).tzinfo is None:
            raise InvalidInputError.at(place + name, "must name its time zone")
    if report.completed_at < report.started_at:
        raise InvalidInputError.at(place + "completed_at", "lies before started_at")
    if len(report.error) > LONGEST_ERROR:
        raise InvalidInputError.at(place + "error", f"must have at most {LONGEST_ERROR} characters")
    if report.status is StepStatus.FAILED and not report.error.strip():
        raise InvalidInputError.at(place + "error", "a failed step says what went wrong")
    if report.status is StepStatus.COMPLETED and report.error:
        raise InvalidInputError.at(place + "error", "a completed step has no error")
    named: list[tuple[str, Any]] = [
        ("output", report.output),
        ("error", report.error),
        ("health_after", report.health_after),
    ]
    for name, value in named:
        require_plain_json(value, place + name)


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
