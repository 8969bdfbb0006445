"""The validator's verdict on a report, with a reason in words and all its evidence."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from governance.authorities.validator.analysis import ReportAnalysis, analyse_report
from governance.authorities.validator.classification import UNKNOWN, TypeConfidence
from governance.authorities.validator.confidence import (
    action_for,
    capability_confidence,
    confidence_of,
    source_weight,
    stored_confidence,
)
from governance.authorities.validator.indicators import indicator_table
from governance.authorities.validator.name_index import NameIndex
from governance.authorities.validator.report import Report
from governance.domain.texts import cut_text
from governance.domain.values import RiskLevel
from governance.domain.verdicts import ValidatorVerdict

SCHEMA_VERSION = 1  # of the verdict's form
RULES_VERSION = 1  # of the rules in this package; the tuning is the table's version
MAX_WORDS_SHOWN = 200  # characters of the words that a reason repeats
MAX_ROWS = 50  # of each list in the evidence


def validator_version() -> str:
    """Return the version in every verdict: three numbers, for schema, rules and tuning."""
    return f"{SCHEMA_VERSION}.{RULES_VERSION}.{indicator_table().version}"


def validate_report(report: Report, *, registry: NameIndex, at: datetime) -> ValidatorVerdict:
    """Return the verdict on a report. An internal error gives a verdict too, which names it.

    Args:
        registry: the names of all capabilities, and their configuration keys.
        at: the time of the analysis, with its time zone.
    """
    try:
        return verdict_of_analysis(
            analyse_report(report, registry=registry), registry=registry, at=at
        )
    except Exception as error:  # noqa: BLE001 - no report may be lost because the validator broke
        return _verdict_on_error(error, at)


def verdict_of_analysis(
    analysis: ReportAnalysis, *, registry: NameIndex, at: datetime
) -> ValidatorVerdict:
    """Return the verdict that an analysis leads to."""
    found, severity, affected = analysis.found, analysis.severity.level, analysis.affected
    source, capabilities = _source(analysis), _capabilities(analysis, registry)
    confidence = exact_confidence(analysis, registry=registry)
    return ValidatorVerdict(
        issue_type=found.issue_type,  # type: ignore[arg-type]
        severity=severity.value,
        affected_capabilities=affected,
        recommended_action=action_for(  # type: ignore[arg-type]
            issue_type=found.issue_type, severity=severity, confidence=confidence
        ),
        confidence_score=float(stored_confidence(confidence)),
        reason=_reason(analysis),
        analyzed_at=at.isoformat(),
        validator_version=validator_version(),
        evidence={
            "type_confidence": float(found.confidence),
            "source_weight": float(source),
            "capability_confidence": float(capabilities),
            **_evidence(analysis),
        },
    )


def exact_confidence(analysis: ReportAnalysis, *, registry: NameIndex) -> Decimal:
    """Return the confidence in a verdict before it is rounded, which rules compare."""
    return confidence_of(
        source=_source(analysis),
        of_type=analysis.found.confidence,
        capabilities=_capabilities(analysis, registry),
    )


def _source(analysis: ReportAnalysis) -> Decimal:
    return source_weight(analysis.report.source)


def _capabilities(analysis: ReportAnalysis, registry: NameIndex) -> Decimal:
    return capability_confidence(analysis.affected, registry.names)


def _verdict_on_error(error: Exception, at: datetime) -> ValidatorVerdict:
    name = type(error).__name__
    return ValidatorVerdict(
        issue_type=UNKNOWN,
        severity=RiskLevel.MEDIUM.value,
        affected_capabilities=[],
        recommended_action="defer",
        confidence_score=0.0,
        reason=f"The validator failed with an internal error: {name}.",
        analyzed_at=at.isoformat(),
        validator_version=validator_version(),
        evidence={"error": name},
    )


def _reason(analysis: ReportAnalysis) -> str:
    found = analysis.found
    if found.issue_type == UNKNOWN:
        first = f"Nothing speaks clearly enough for a type of report ({found.confidence:.2f})"
    else:
        signs = ", ".join(_sign(one.what, one.written) for one in found.signs)
        kind = found.issue_type.replace("_", " ")
        first = f"Reads as {kind} ({found.confidence:.2f}): {cut_text(signs, 2 * MAX_WORDS_SHOWN)}"
    words = ", ".join(f'"{one.written}"' for one in analysis.severity.words)
    because = f" because of {cut_text(words, MAX_WORDS_SHOWN)}" if words else ""
    names = ", ".join(analysis.affected) or "no registered capability"
    return (
        f"{first}. Severity {analysis.severity.level}{because}. "
        f"It is about {cut_text(names, MAX_WORDS_SHOWN)}."
    )


def _sign(what: str, written: str) -> str:
    return f'{what} "{written}"' if written else what


def _evidence(analysis: ReportAnalysis) -> dict[str, Any]:
    read = analysis.read
    types = [analysis.found] if analysis.changes else list(analysis.types)
    documents = {
        "types": {one.issue_type: _type_document(one) for one in types if one.signs},
        "severity_words": [
            {"words": one.written, "speaks_for": level.value, "counts": one.indicator.counts}
            for level in RiskLevel
            for one in read.speaking_for(level)
        ],
        "not_counted": [
            {
                "words": one.written,
                "speaks_for": one.indicator.speaks_for,
                "why": one.why.value,
            }
            for one in read.uncounted
        ],
        "capabilities": [
            {"name": one.name, "written": one.written, "similarity": round(one.similarity, 3)}
            for one in analysis.named[:MAX_ROWS]
        ],
        "names_not_found": [
            {"written": one.written, "why": one.why} for one in analysis.unmatched[:MAX_ROWS]
        ],
        "proposed_changes": analysis.fault,
    }
    return {key: value for key, value in documents.items() if value}


def _type_document(found: TypeConfidence) -> dict[str, Any]:
    return {
        "confidence": float(found.confidence),
        "signs": [
            {"what": sign.what, "words": sign.written, "weight": float(sign.weight)}
            for sign in found.signs
        ],
    }
