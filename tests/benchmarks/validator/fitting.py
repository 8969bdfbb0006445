"""Fit the strengths of the table's indicators to labelled reports.

The words of the rules stay as they are. Every other indicator is kept, weakened or dropped: dropped
if no report of the training set has it, otherwise whatever gives the best macro F1 there. What a
fold is tested with was never part of its fitting, so an indicator that only the tested reports have
does not count there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from governance.authorities.validator.analysis import ReportAnalysis
from governance.authorities.validator.classification import (
    TYPES,
    UNKNOWN,
    likeliest_type,
    type_confidences,
)
from governance.authorities.validator.evaluation import LabelAgreement, LabelledReport
from governance.authorities.validator.indicators import Indicator, IndicatorTable, Strength
from governance.authorities.validator.reading import CountedWords, WordsRead
from governance.authorities.validator.severity import severity_of

MIN_GAIN = 0.002  # of macro F1; less is noise
PASSES = 2


class Level(StrEnum):
    """What the fitting makes of an indicator."""

    KEPT = "kept"
    WEAKENED = "weakened"
    DROPPED = "dropped"


Key = tuple[str, str]  # what an indicator speaks for, and its name
Finding = tuple[str, str]  # type and severity
Levels = Mapping[Key, Level]


@dataclass(frozen=True)
class Example:
    """A labelled report, and its analysis with the whole table."""

    labelled: LabelledReport
    analysis: ReportAnalysis

    @property
    def is_for_severity(self) -> bool:
        return self.labelled.issue_type != UNKNOWN

    def finding(self, levels: Levels) -> Finding:
        """Return type and severity with the table at these levels."""
        read = _at_levels(self.analysis.read, levels)
        found = likeliest_type(type_confidences(read, self.analysis.named)).issue_type
        return found, severity_of(read, found, self.analysis.named).level.value


def fitted_levels(examples: Sequence[Example], table: IndicatorTable) -> dict[Key, Level]:
    """Return the level of each indicator that no rule names, fitted to the examples."""
    having: dict[Key, list[int]] = {}
    for number, example in enumerate(examples):
        for key in example.analysis.read.counted:
            having.setdefault(key, []).append(number)
    rows = {key_of(one): one for one in table.indicators if not one.is_rule}
    levels = {key: Level.KEPT if key in having else Level.DROPPED for key in rows}
    findings = [example.finding(levels) for example in examples]
    for _ in range(PASSES):
        for key in (key for key in rows if key in having):
            _fit_one(key, having[key], examples, levels, findings)
    return levels


def _fit_one(
    key: Key,
    numbers: Sequence[int],
    examples: Sequence[Example],
    levels: dict[Key, Level],
    findings: list[Finding],
) -> None:
    """Set one indicator to its best level, and the findings of the reports that have it."""
    is_type = key[0] in TYPES
    best, current = _score(examples, findings, is_type), levels[key]
    for level in (level for level in Level if level is not current):
        trial = {**levels, key: level}
        changed = list(findings)
        for number in numbers:
            changed[number] = examples[number].finding(trial)
        score = _score(examples, changed, is_type)
        if score > best + MIN_GAIN:
            best, levels[key] = score, level
            findings[:] = changed


def _score(examples: Sequence[Example], findings: Sequence[Finding], is_type: bool) -> float:
    pairs = zip(examples, findings, strict=True)
    return (type_agreement(pairs) if is_type else severity_agreement(pairs)).macro_f1


def type_agreement(pairs: Iterable[tuple[Example, Finding]]) -> LabelAgreement:
    return LabelAgreement.of((one.labelled.issue_type, found[0]) for one, found in pairs)


def severity_agreement(pairs: Iterable[tuple[Example, Finding]]) -> LabelAgreement:
    return LabelAgreement.of(
        (one.labelled.severity, found[1]) for one, found in pairs if one.is_for_severity
    )


def key_of(indicator: Indicator) -> Key:
    return indicator.speaks_for, indicator.name


def _at_levels(read: WordsRead, levels: Levels) -> WordsRead:
    counted: dict[Key, CountedWords] = {}
    for key, one in read.counted.items():
        level = levels.get(key, Level.KEPT)
        if level is Level.WEAKENED:
            once = replace(one.indicator, counts=1)
            one = replace(one, strength=Strength.WEAK, indicator=once)
        if level is not Level.DROPPED:
            counted[key] = one
    return replace(read, counted=counted)
