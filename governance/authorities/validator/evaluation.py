"""Measure the validator on labelled reports: how often it agrees with a person, and where not.

A type that nobody labelled and that was never found has no figures. Every `unknown` report counts
as low in the labels, so that severity is measured on the others alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from governance.authorities.validator.analysis import ReportAnalysis, analyse_report
from governance.authorities.validator.classification import UNKNOWN
from governance.authorities.validator.indicators import IndicatorTable
from governance.authorities.validator.name_index import NameIndex
from governance.authorities.validator.proposals import changes_proposed_by
from governance.authorities.validator.report import Report

COMPARABLE = ("exact", "near")  # labelled names that comparing text can find


@dataclass(frozen=True, slots=True)
class LabelledReport:
    """A report and what a person says about it.

    `name_match` says how the labelled names are written: exact, near, alias or none. `text` says
    how real the words are.
    """

    key: str
    report: Report
    issue_type: str
    severity: str
    capabilities: frozenset[str]
    change: dict[str, Any] | None
    name_match: str
    text: str


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """How labels and findings of one kind agree: pairs of label and finding, with their number."""

    pairs: Counter[tuple[str, str]]

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> LabelAgreement:
        return cls(Counter(pairs))

    @property
    def classes(self) -> list[str]:
        return sorted({one for pair in self.pairs for one in pair})

    def figures(self, name: str) -> dict[str, float]:
        """Return precision, recall, F1 and the number of labels of a class."""
        right = self.pairs[name, name]
        labelled = sum(count for (label, _), count in self.pairs.items() if label == name)
        found = sum(count for (_, finding), count in self.pairs.items() if finding == name)
        return {
            "precision": _ratio(right, found),
            "recall": _ratio(right, labelled),
            "f1": _ratio(2 * right, labelled + found),
            "labelled": labelled,
        }

    @property
    def macro_f1(self) -> float:
        """Return the mean of F1 over the classes that are labelled."""
        labelled = {label for label, _ in self.pairs}
        return _ratio(sum(self.figures(one)["f1"] for one in labelled), len(labelled))

    @property
    def accuracy(self) -> float:
        right = sum(count for (label, found), count in self.pairs.items() if label == found)
        return _ratio(right, self.pairs.total())

    def document(self) -> dict[str, Any]:
        return {
            "reports": self.pairs.total(),
            "accuracy": round(self.accuracy, 3),
            "macro_f1": round(self.macro_f1, 3),
            "confusion": {
                label: {found: self.pairs[label, found] for found in self.classes}
                for label in self.classes
            },
            "classes": {
                name: {key: round(value, 3) for key, value in self.figures(name).items()}
                for name in self.classes
            },
        }


def evaluate_reports(
    labelled: Sequence[LabelledReport],
    *,
    registry: NameIndex,
    table: IndicatorTable | None = None,
) -> dict[str, Any]:
    """Return the figures of the validator on labelled reports, and each mistake.

    Args:
        table: another table of indicators than the product's.
    """
    analyses = [
        (one, analyse_report(one.report, registry=registry, table=table)) for one in labelled
    ]
    texts = sorted({one.text for one in labelled})
    return {
        **_figures(analyses, registry),
        "by_text": {
            text: _figures([pair for pair in analyses if pair[0].text == text], registry)
            for text in texts
        },
        "mistakes": [mistake for pair in analyses if (mistake := _mistake(*pair))],
    }


_Pair = tuple[LabelledReport, ReportAnalysis]


def _figures(analyses: Sequence[_Pair], registry: NameIndex) -> dict[str, Any]:
    types = ((one.issue_type, found.found.issue_type) for one, found in analyses)
    severities = (
        (one.severity, found.severity.level.value)
        for one, found in analyses
        if one.issue_type != UNKNOWN
    )
    return {
        "issue_type": LabelAgreement.of(types).document(),
        "severity": LabelAgreement.of(severities).document(),
        "capabilities": _names_found(analyses),
        "proposals": _proposals(analyses, registry),
    }


def _names_found(analyses: Sequence[_Pair]) -> dict[str, float]:
    """Return precision and recall of the names, where labels are exact or near.

    A name found in a report that labels none counts as wrong.
    """
    right = wrong = missed = 0
    for one, analysis in analyses:
        found = set(analysis.affected)
        if one.name_match in COMPARABLE or not one.capabilities:
            right += len(found & one.capabilities)
            wrong += len(found - one.capabilities)
            missed += len(one.capabilities - found)
    return {
        "right": right,
        "wrong": wrong,
        "missed": missed,
        "precision": round(_ratio(right, right + wrong), 3),
        "recall": round(_ratio(right, right + missed), 3),
    }


def _proposals(analyses: Sequence[_Pair], registry: NameIndex) -> dict[str, float]:
    counts = Counter(
        labelled=sum(one.change is not None for one, _ in analyses), proposed=0, right=0, wrong=0
    )
    for one, analysis in analyses:
        proposed = changes_proposed_by(analysis, registry=registry).changes
        if proposed:
            documents = [_comparable(change.document()) for change in proposed]
            is_right = one.change is not None and documents == [_comparable(one.change)]
            counts.update(("proposed", "right" if is_right else "wrong"))
    return {
        **counts,
        "precision": round(_ratio(counts["right"], counts["proposed"]), 3),
        "recall": round(_ratio(counts["right"], counts["labelled"]), 3),
    }


def _comparable(change: dict[str, Any]) -> dict[str, Any]:
    """Return a change without what two people would word differently."""
    return {key: change[key] for key in change if key not in ("reason", "old_value")}


def _mistake(one: LabelledReport, analysis: ReportAnalysis) -> dict[str, Any]:
    wrong: dict[str, Any] = {}
    if one.issue_type != analysis.found.issue_type:
        wrong["issue_type"] = [one.issue_type, analysis.found.issue_type]
    if one.issue_type != UNKNOWN and one.severity != analysis.severity.level:
        wrong["severity"] = [one.severity, analysis.severity.level.value]
    if one.capabilities != set(analysis.affected):
        wrong["capabilities"] = [sorted(one.capabilities), analysis.affected]
    return {"report": one.key, "subject": one.report.subject, **wrong} if wrong else {}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
