"""The checks of a verdict as rows for people, whether our auditor wrote them or another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.domain.values import AuditVerdict

# What a person must read first; an outcome that is none of ours comes before PASS.
_RANKS: Mapping[str, int] = {
    AuditVerdict.FAIL: 0,
    AuditVerdict.INCONCLUSIVE: 1,
    AuditVerdict.PASS: 3,
}
_OTHER_RANK = 2
_NAMES_OF_ID = ("id", "check", "check_id")
_NAMES_OF_OUTCOME = ("outcome", "verdict", "status", "result")


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check of a verdict; texts are empty where the auditor did not write them."""

    check_id: str
    name: str
    question: str
    outcome: str
    reason: str

    @property
    def has_passed(self) -> bool:
        return self.outcome == AuditVerdict.PASS

    @property
    def title(self) -> str:
        """The question of the check; for a check of another auditor, its name or id."""
        return self.question or self.name or self.check_id or "A check without a name"


def check_rows(checks: Any) -> list[CheckRow]:
    """Return the checks of a verdict: failed, then inconclusive, then others, then passed.

    Args:
        checks: the JSON list that an auditor wrote; what is no object in it is left out.
    """
    documents = [one for one in checks if isinstance(one, Mapping)]
    rows = [
        CheckRow(
            check_id=_text(document, _NAMES_OF_ID),
            name=_text(document, ["name"]),
            question=_text(document, ["question"]),
            outcome=_text(document, _NAMES_OF_OUTCOME).upper(),
            reason=_text(document, ["reason"]),
        )
        for document in documents
    ]
    return sorted(rows, key=lambda row: _RANKS.get(row.outcome, _OTHER_RANK))


def counted_checks(rows: Sequence[CheckRow]) -> str:
    """Return how many checks ended how: `7 checks: 1 failed, 1 could not tell, 5 passed`."""
    outcomes = [row.outcome for row in rows]
    words = {
        "failed": outcomes.count(AuditVerdict.FAIL),
        "could not tell": outcomes.count(AuditVerdict.INCONCLUSIVE),
        "passed": outcomes.count(AuditVerdict.PASS),
    }
    if rows and words["passed"] == len(rows):
        return f"All {len(rows)} checks passed" if len(rows) > 1 else "The check passed"
    parts = ", ".join(f"{number} {name}" for name, number in words.items() if number)
    number = f"{len(rows)} check{'' if len(rows) == 1 else 's'}"
    return f"{number}: {parts}" if parts else number


def _text(document: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return the first text among these fields; empty if there is none."""
    found = (document[name] for name in names if isinstance(document.get(name), str))
    return next(found, "")
