"""The analysis of a report: everything that verdict, proposal and explanation are made from."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from governance.authorities.validator.capability_names import (
    NamedCapability,
    UnmatchedName,
    named_capabilities,
)
from governance.authorities.validator.classification import (
    Sign,
    TypeConfidence,
    likeliest_type,
    type_confidences,
)
from governance.authorities.validator.indicators import IndicatorTable, indicator_table
from governance.authorities.validator.name_index import NameIndex
from governance.authorities.validator.reading import WordsRead, read_words
from governance.authorities.validator.report import Report
from governance.authorities.validator.severity import SeverityFound, severity_of
from governance.authorities.validator.words import SentenceWords, sentences_of
from governance.domain.changes import Change, parse_changes
from governance.domain.errors import InvalidInputError

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class ReportAnalysis:
    """What a report says, by its words and by the changes that came with it.

    `changes` are the structured changes; `fault` says what is wrong with changes that came and
    do not pass the schema, and is empty otherwise.
    """

    report: Report
    sentences: tuple[SentenceWords, ...]
    read: WordsRead
    named: tuple[NamedCapability, ...]
    unmatched: tuple[UnmatchedName, ...]
    types: tuple[TypeConfidence, ...]
    found: TypeConfidence
    severity: SeverityFound
    changes: tuple[Change, ...]
    fault: str

    @property
    def affected(self) -> list[str]:
        """Return the affected capabilities, as the registry writes them, once each and sorted."""
        if self.changes:
            return sorted({change.target for change in self.changes})
        return sorted({one.name for one in self.named})


def analyse_report(
    report: Report, *, registry: NameIndex, table: IndicatorTable | None = None
) -> ReportAnalysis:
    """Return the analysis of a report; the same report and names always have the same.

    Args:
        table: another table of indicators than the product's, to measure it.
    """
    sentences = tuple(sentences_of(subject=report.subject, body=report.body))
    read = read_words(sentences, report.body, table or indicator_table(), registry)
    named, unmatched = named_capabilities(sentences, registry)
    types = type_confidences(read, named)
    changes, fault = _structured(report)
    found = _type_of(changes) if changes else likeliest_type(types)
    return ReportAnalysis(
        report=report,
        sentences=sentences,
        read=read,
        named=tuple(named),
        unmatched=tuple(unmatched),
        types=types,
        found=found,
        severity=severity_of(read, found.issue_type, named),
        changes=changes,
        fault=fault,
    )


def _structured(report: Report) -> tuple[tuple[Change, ...], str]:
    if report.proposed_changes is None:
        return (), ""
    try:
        return parse_changes(report.proposed_changes), ""
    except InvalidInputError as error:
        return (), str(error)


def _type_of(changes: tuple[Change, ...]) -> TypeConfidence:
    """Return the type of a report whose changes speak for themselves: that of the first."""
    first = changes[0].type
    is_capability = first in ("capability_enable", "capability_disable")
    issue_type = "capability_request" if is_capability else "configuration_change"
    sign = Sign("structured changes", first, _ONE)
    return TypeConfidence(issue_type, _ONE, (sign,))
