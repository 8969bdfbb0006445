"""Checks of a step report's form, made before anything is locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from governance.domain.canonical import canonical_text, timestamp
from governance.domain.errors import InvalidInputError
from governance.domain.strict_json import require_plain_json
from governance.domain.values import StepReport, StepStatus

MAX_ERROR_LENGTH = 10_000


MAX_REPORTS = 200


def require_reports(reports: Sequence[StepReport]) -> None:
    """Refuse an empty or too long list of reports, and each report that has an invalid field.

    Raises:
        InvalidInputError: with the path of the field, such as `results[2].error`.
    """
    if not 1 <= len(reports) <= MAX_REPORTS:
        raise InvalidInputError.at("results", f"must be 1 to {MAX_REPORTS} reports")
    for number, report in enumerate(reports):
        require_report(report, f"results[{number}].")


def require_report(report: StepReport, path_prefix: str = "") -> None:
    """Refuse a report that has an invalid field.

    Raises:
        InvalidInputError: with the path of the field, after `path_prefix`.
    """
    if isinstance(report.step_index, bool) or not isinstance(report.step_index, int):
        raise InvalidInputError.at(path_prefix + "step_index", "must be a whole number")
    if not 0 <= report.step_index < 2**31:
        raise InvalidInputError.at(path_prefix + "step_index", "must be from 0 to 2147483647")
    if report.status not in (StepStatus.COMPLETED, StepStatus.FAILED):
        raise InvalidInputError.at(path_prefix + "status", "must be COMPLETED or FAILED")
    for name in ("started_at", "completed_at"):
        if getattr(report, name).tzinfo is None:
            raise InvalidInputError.at(path_prefix + name, "must have a time zone")
    if report.completed_at < report.started_at:
        raise InvalidInputError.at(path_prefix + "completed_at", "must not be before started_at")
    if len(report.error) > MAX_ERROR_LENGTH:
        raise InvalidInputError.at(
            path_prefix + "error", f"must have at most {MAX_ERROR_LENGTH} characters"
        )
    if report.status is StepStatus.FAILED and not report.error.strip():
        raise InvalidInputError.at(
            path_prefix + "error", "must say what failed, because the status is FAILED"
        )
    if report.status is StepStatus.COMPLETED and report.error:
        raise InvalidInputError.at(
            path_prefix + "error", "must be empty, because the status is COMPLETED"
        )
    named: list[tuple[str, Any]] = [
        ("output", report.output),
        ("error", report.error),
        ("health_after", report.health_after),
    ]
    for name, value in named:
        require_plain_json(value, path_prefix + name)


def same_report(one: StepReport, other: StepReport) -> bool:
    """Return whether two reports are equal as JSON: 1 equals 1.0, and does not equal true."""
    return _canonical_report(one) == _canonical_report(other)


def _canonical_report(report: StepReport) -> str:
    return canonical_text(
        asdict(report)
        | {
            "started_at": timestamp(report.started_at),
            "completed_at": timestamp(report.completed_at),
        }
    )
