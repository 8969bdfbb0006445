"""Health decisions: their order, the words of monitors for them, and how they fit a lifecycle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from governance.domain.errors import HealthUnknownError, InvalidInputError
from governance.domain.values import HealthDecision, HealthReading, Lifecycle

BEST_TO_WORST = (HealthDecision.HEALTHY, HealthDecision.DEGRADED, HealthDecision.BLOCKED)

# What a monitor may write for a decision, besides the decision itself.
SYNONYMS: Mapping[str, HealthDecision] = {
    "OK": HealthDecision.HEALTHY,
    "CLEAN": HealthDecision.HEALTHY,
    "WARN": HealthDecision.DEGRADED,
    "UNHEALTHY": HealthDecision.BLOCKED,
}
DECISION_WORDS = (*map(str, BEST_TO_WORST), *SYNONYMS)


def parse_decision(word: str) -> HealthDecision:
    """Return the decision that a monitor's word means.

    Raises:
        InvalidInputError: the word is neither a decision nor one of `SYNONYMS`.
    """
    if word in SYNONYMS:
        return SYNONYMS[word]
    try:
        return HealthDecision(word)
    except ValueError:
        raise InvalidInputError.at(
            "decision", f"must be one of {', '.join(DECISION_WORDS)}"
        ) from None


def worst_of(decisions: Iterable[str]) -> HealthDecision:
    """Return the worst of the decisions, or HEALTHY if there is none."""
    return max(
        (HealthDecision(decision) for decision in decisions),
        key=BEST_TO_WORST.index,
        default=HealthDecision.HEALTHY,
    )


def is_worse(decision: HealthDecision, than: HealthDecision) -> bool:
    """Return whether a decision is worse than another one."""
    return BEST_TO_WORST.index(decision) > BEST_TO_WORST.index(than)


def contradicts_health(lifecycle: str, health: HealthDecision | None) -> bool:
    """Return whether a capability is offered to everybody while its health is BLOCKED.

    This is a warning to people, and refuses nothing.
    """
    return lifecycle == Lifecycle.LAUNCHED and health is HealthDecision.BLOCKED


@dataclass(frozen=True, slots=True)
class HealthTrouble:
    """Why nobody can tell the health of a scope; without a scope, of all that were asked for."""

    scope: str
    reason: str


@dataclass(frozen=True, slots=True)
class UnknownHealth:
    """The answer of a health provider that could not tell, with at least one reason; it blocks."""

    observed_at: datetime
    troubles: tuple[HealthTrouble, ...]


def require_known_health(health: HealthReading | UnknownHealth | None) -> HealthReading:
    """Return a reading of health.

    Raises:
        HealthUnknownError: there is none; the error has the reasons if they are known.
    """
    if isinstance(health, HealthReading):
        return health
    if health is None:
        raise HealthUnknownError("The platform's health is unknown.")
    raise HealthUnknownError(
        f"The platform's health is unknown. {in_words(health.troubles)}",
        details={
            "troubles": [
                {"scope": one.scope or None, "reason": one.reason} for one in health.troubles
            ]
        },
    )


def in_words(troubles: Iterable[HealthTrouble]) -> str:
    """Return troubles in one line."""
    return " ".join(f"{one.scope}: {one.reason}" if one.scope else one.reason for one in troubles)
