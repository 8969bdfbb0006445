"""Figures of the validator on labelled reports."""

from __future__ import annotations

from typing import Any

import pytest

from governance.authorities.validator.evaluation import (
    LabelAgreement,
    LabelledReport,
    evaluate_reports,
)
from tests.unit.validator.support import REGISTRY, report

OFF = {"type": "capability_disable", "capability_name": "ImageVolume", "reason": "in other words"}


def labelled(key: str, subject: str, issue_type: str, **given: Any) -> LabelledReport:
    fields = {
        "severity": "medium",
        "capabilities": frozenset(),
        "change": None,
        "name_match": "exact",
        "text": "retold",
    }
    return LabelledReport(
        key=key, report=report(subject), issue_type=issue_type, **(fields | given)
    )


REPORTS = [
    labelled(
        "R1",
        "Turn off ImageVolume",
        "capability_request",
        capabilities=frozenset({"ImageVolume"}),
        change=OFF,
    ),
    labelled("R2", "Turn off email_send", "unknown", severity="low", text="verbatim"),
    labelled(
        "R3", "Regression", "bug_report", severity="high", capabilities=frozenset({"sms_send"})
    ),
    labelled("R4", "Hello", "unknown", capabilities=frozenset({"data_export"}), name_match="alias"),
]


class TestEvaluation:
    def test_figures__of_known_reports__are_those_computed_by_hand(self) -> None:
        result = evaluate_reports(REPORTS, registry=REGISTRY)
        assert result["issue_type"]["accuracy"] == 0.75
        assert result["issue_type"]["confusion"]["unknown"]["capability_request"] == 1
        assert result["issue_type"]["classes"]["capability_request"] == {
            "precision": 0.5,
            "recall": 1,
            "f1": 0.667,
            "labelled": 1,
        }
        assert result["issue_type"]["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3, abs=1e-3)
        assert result["severity"]["reports"] == 2
        assert result["capabilities"] == {
            "right": 1,
            "wrong": 1,
            "missed": 1,
            "precision": 0.5,
            "recall": 0.5,
        }
        assert result["proposals"] == {
            "labelled": 1,
            "proposed": 2,
            "right": 1,
            "wrong": 1,
            "precision": 0.5,
            "recall": 1,
        }

    def test_kinds_of_text__are_measured_apart(self) -> None:
        by_text = evaluate_reports(REPORTS, registry=REGISTRY)["by_text"]
        assert {text: one["issue_type"]["reports"] for text, one in by_text.items()} == {
            "retold": 3,
            "verbatim": 1,
        }

    def test_mistakes__are_listed_with_label_and_finding(self) -> None:
        assert evaluate_reports(REPORTS, registry=REGISTRY)["mistakes"] == [
            {
                "report": "R2",
                "subject": "Turn off email_send",
                "issue_type": ["unknown", "capability_request"],
                "capabilities": [[], ["email_send"]],
            },
            {
                "report": "R3",
                "subject": "Regression",
                "severity": ["high", "medium"],
                "capabilities": [["sms_send"], []],
            },
            {"report": "R4", "subject": "Hello", "capabilities": [["data_export"], []]},
        ]

    def test_agreement__on_nothing__is_zero(self) -> None:
        assert LabelAgreement.of(()).macro_f1 == LabelAgreement.of(()).accuracy == 0
