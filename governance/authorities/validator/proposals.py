"""The changes that a report proposes: only those that it names without doubt.

A wrong change proposed is a defect, a missed one is work for a person. So a change comes from the
structured part of a report, or from a sentence that says nothing but the change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from governance.authorities.validator.analysis import ReportAnalysis
from governance.authorities.validator.capability_sentences import capability_readings
from governance.authorities.validator.change_readings import ChangeReading
from governance.authorities.validator.name_index import NameIndex
from governance.authorities.validator.value_sentences import value_readings
from governance.domain.canonical import canonical_text
from governance.domain.changes import Change

_PROPOSING = ("capability_request", "configuration_change")


@dataclass(frozen=True, slots=True)
class ReportProposal:
    """The changes that a report proposes, or none and the reason why not.

    `readings` are the changes that the report may mean, where it may mean more than one thing.
    """

    changes: tuple[Change, ...]
    reason: str
    readings: tuple[Change, ...] = ()


def changes_proposed_by(analysis: ReportAnalysis, *, registry: NameIndex) -> ReportProposal:
    """Return the changes that a report proposes, or why a person has to write them."""
    if analysis.changes:
        return ReportProposal(analysis.changes, "The report came with its changes.")
    if analysis.fault:
        return ReportProposal((), f"The changes that came are invalid: {analysis.fault}")
    if analysis.found.issue_type not in _PROPOSING:
        return ReportProposal((), "The report asks for no change.")
    readings = [*capability_readings(analysis), *value_readings(analysis, registry=registry)]
    if not readings:
        return ReportProposal((), "No sentence names a change, its target and its value.")
    return _agreed(readings)


def _agreed(readings: Sequence[ChangeReading]) -> ReportProposal:
    """Return the changes of all readings, if none is in doubt and no two contradict each other."""
    possible = tuple(_once(change for reading in readings for change in reading.changes))
    for reading in readings:
        if reading.doubt:
            return ReportProposal((), f'"{reading.written}": {reading.doubt}', possible)
    settings = [_setting_of(change) for change in possible]
    if len(settings) > len(set(settings)):
        return ReportProposal((), "Two sentences say different things.", possible)
    return ReportProposal(possible, f'"{readings[0].written}"')


def _once(changes: Iterable[Change]) -> list[Change]:
    """Return the changes without those that say the same; a reason may be worded otherwise."""
    once: dict[str, Change] = {}
    for change in changes:
        document = change.document()
        document.pop("reason", None)
        once.setdefault(canonical_text(document), change)
    return list(once.values())


def _setting_of(change: Change) -> tuple[str, tuple[str, ...]]:
    """Return what a change sets: the lifecycle of its target, or keys."""
    return change.target, tuple(key for _, key in change.settings())
