"""A registry and reports for the tests of the validator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from governance.authorities.validator.analysis import ReportAnalysis, analyse_report
from governance.authorities.validator.name_index import NameIndex
from governance.authorities.validator.proposals import ReportProposal, changes_proposed_by
from governance.authorities.validator.report import Report
from governance.authorities.validator.verdict import validate_report
from governance.domain.verdicts import ValidatorVerdict

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
NAMES = ("email_send", "sms_send", "webhook_call", "data_export", "ImageVolume", "Kubelet", "None")
KEYS = {"Kubelet": ["max_pods"], "email_send": ["limit", "retries"], "sms_send": ["retries"]}
REGISTRY = NameIndex(NAMES, KEYS)


def report(
    subject: str = "", body: str = "", *, source: str = "manual", changes: Any = None
) -> Report:
    return Report(source, subject, body, changes)


def analysed(subject: str = "", body: str = "", **given: Any) -> ReportAnalysis:
    return analyse_report(report(subject, body, **given), registry=REGISTRY)


def verdict(subject: str = "", body: str = "", **given: Any) -> ValidatorVerdict:
    return validate_report(report(subject, body, **given), registry=REGISTRY, at=AT)


def proposal(subject: str = "", body: str = "", **given: Any) -> ReportProposal:
    return changes_proposed_by(analysed(subject, body, **given), registry=REGISTRY)


def documents(proposed: ReportProposal) -> list[dict[str, Any]]:
    return [change.document() for change in proposed.changes]
