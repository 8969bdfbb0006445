"""The finding of a check: its outcome, a reason for people, and what the check read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from governance.domain.observations import LIFECYCLE
from governance.domain.recorded_changes import LIFECYCLE_KEY
from governance.domain.sentences import setting_in_words, value_in_words
from governance.domain.texts import MAX_LISTED, cut_text
from governance.domain.texts import listed as listed
from governance.domain.values import AuditVerdict

MAX_SENTENCES = 5
MAX_VALUE_LENGTH = 200
MAX_REASON_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """The finding of one check about a job; `evidence` is what the check read, as JSON."""

    check_id: str
    name: str
    question: str
    outcome: AuditVerdict
    reason: str
    evidence: dict[str, Any]

    def as_document(self) -> dict[str, Any]:
        return {
            "id": self.check_id,
            "name": self.name,
            "question": self.question,
            "outcome": str(self.outcome),
            "reason": self.reason,
            "evidence": self.evidence,
        }


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The outcome of a check, before it has the name and the question of the check."""

    outcome: AuditVerdict
    reason: str
    evidence: dict[str, Any]


def conclude(
    *,
    failures: Sequence[str],
    gaps: Sequence[str],
    passed: str,
    evidence: dict[str, Any],
) -> Conclusion:
    """Return FAIL if anything is wrong, INCONCLUSIVE if anything is missing, and otherwise PASS.

    Args:
        failures: a sentence for each thing that is wrong.
        gaps: a sentence for each thing that the evidence does not have.
        passed: the reason of a PASS.
    """
    if failures:
        return Conclusion(AuditVerdict.FAIL, _joined(failures), evidence)
    if gaps:
        return Conclusion(AuditVerdict.INCONCLUSIVE, _joined(gaps), evidence)
    return Conclusion(AuditVerdict.PASS, cut_text(passed, MAX_REASON_LENGTH), evidence)


def first_items(items: Sequence[Any]) -> list[Any]:
    """Return the first items of a list that a finding holds."""
    return list(items[:MAX_LISTED])


def step_in_words(step_index: int) -> str:
    """Return the name of a step for people, who count from 1."""
    return f"Step {step_index + 1}"


def setting_name(scope: str, key: str) -> str:
    """Return the name of a value of a scope."""
    if key == LIFECYCLE_KEY:
        return f"the lifecycle of {scope}"
    return f"{value_in_words(key)} of {scope}"


def shown_value(value: Any) -> str:
    return cut_text(setting_in_words(value), MAX_VALUE_LENGTH)


def states_in_words(
    states: Mapping[tuple[str, str], Mapping[str, Any] | None],
) -> list[dict[str, Any]]:
    """Return the values of views as short texts, of many only the first; None: not observed."""
    return [
        {
            "scope": scope,
            "observer": observer,
            "values": None
            if values is None
            else {
                key or LIFECYCLE: shown_value(value)
                for key, value in islice(values.items(), MAX_LISTED)
            },
        }
        for (scope, observer), values in islice(states.items(), MAX_LISTED)
    ]


def _joined(sentences: Sequence[str]) -> str:
    text = " ".join(sentences[:MAX_SENTENCES])
    if len(sentences) > MAX_SENTENCES:
        text += f" And {len(sentences) - MAX_SENTENCES} more."
    return cut_text(text, MAX_REASON_LENGTH)
