"""The finding of a rule: whether it passed, a reason for people, and what the rule looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from governance.domain.texts import cut_text

MAX_LISTED = 20
MAX_REASON_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """What one rule found; `evidence` is what it looked at, as JSON."""

    passed: bool
    reason: str
    evidence: dict[str, Any]


def found(passed: bool, reason: str, **evidence: Any) -> RuleFinding:
    return RuleFinding(passed, cut_text(reason, MAX_REASON_LENGTH), evidence)


def listed(names: Sequence[str]) -> str:
    """Return names as text, of a long list only the first."""
    text = ", ".join(names[:MAX_LISTED])
    return text if len(names) <= MAX_LISTED else f"{text} and {len(names) - MAX_LISTED} more"
