"""How bad a report is, from its words and its type."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from governance.authorities.validator.capability_names import NamedCapability
from governance.authorities.validator.classification import ESCALATION
from governance.authorities.validator.reading import CountedWords, WordsRead
from governance.domain.values import RiskLevel


@dataclass(frozen=True, slots=True)
class _Scale:
    """A severity is reached when `base` plus `each` for every indicator is above `limit`."""

    level: RiskLevel
    base: Decimal
    each: Decimal
    limit: Decimal

    def is_reached(self, count: int) -> bool:
        return self.base + self.each * count > self.limit


_SCALES = (
    _Scale(RiskLevel.CRITICAL, Decimal("0.5"), Decimal("0.2"), Decimal("0.8")),
    _Scale(RiskLevel.HIGH, Decimal("0.4"), Decimal("0.15"), Decimal("0.6")),
)


@dataclass(frozen=True, slots=True)
class SeverityFound:
    """The severity of a report and the words that speak for it."""

    level: RiskLevel
    words: tuple[CountedWords, ...]


def severity_of(
    read: WordsRead, issue_type: str, named: Collection[NamedCapability]
) -> SeverityFound:
    """Return the severity: critical or high where enough speaks for it, low where only that does.

    An escalation is at least high, and everything else is medium. A wish for something new is
    low; where a report names a registered capability, it is not about something new.
    """
    by_level = {
        level: tuple(
            one for one in read.speaking_for(level) if not (named and one.indicator.is_wish)
        )
        for level in RiskLevel
    }
    for scale in _SCALES:
        words = by_level[scale.level]
        if scale.is_reached(sum(one.indicator.counts for one in words)):
            return SeverityFound(scale.level, words)
    if issue_type == ESCALATION:
        return SeverityFound(RiskLevel.HIGH, ())
    low = by_level[RiskLevel.LOW]
    if low and not by_level[RiskLevel.CRITICAL] and not by_level[RiskLevel.HIGH]:
        return SeverityFound(RiskLevel.LOW, low)
    return SeverityFound(RiskLevel.MEDIUM, ())
