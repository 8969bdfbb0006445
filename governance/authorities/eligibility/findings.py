"""The finding of a rule: whether it passed, a reason for people, and what the rule looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from governance.domain.texts import cut_text

MAX_REASON_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """What one rule found; `evidence` is what it looked at, as JSON."""

    passed: bool
    reason: str
    evidence: dict[str, Any]


def found(passed: bool, reason: str, **evidence: Any) -> RuleFinding:
    return RuleFinding(passed, cut_text(reason, MAX_REASON_LENGTH), evidence)
