"""The thresholds of the rules, which are settings of the site, and the version of both."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from governance.domain.canonical import canonical_text, sha256_hex
from governance.domain.values import Source

# Raised whenever a rule itself changes, so that it may give the same snapshot another verdict.
RULES_REVISION = 1
# A verdict whose version begins otherwise was not made by these rules.
OWN_VERSION = "govsite-"
_DIGEST_LENGTH = 12

PROPOSING_SOURCES = frozenset(
    map(str, (Source.CRM_FEEDBACK, Source.SUPPORT_TICKET, Source.OPS_ALERT))
)
PROPOSABLE_TYPES = frozenset({"capability_request", "configuration_change", "bug_report"})


@dataclass(frozen=True, slots=True)
class EligibilityThresholds:
    """What the rules compare a report with.

    Args:
        minimum_confidence: E-100 refuses a lower confidence.
        confidence_threshold: E-001 asks for this confidence.
        sources: E-005 lets the reports of these sources pass.
        issue_types: E-004 lets these types pass.
        window_hours: E-006 refuses beside an open contract that is not older.
    """

    minimum_confidence: Decimal = Decimal("0.30")
    confidence_threshold: Decimal = Decimal("0.70")
    sources: frozenset[str] = PROPOSING_SOURCES
    issue_types: frozenset[str] = PROPOSABLE_TYPES
    window_hours: int = 24

    @property
    def rules_version(self) -> str:
        """The version of a verdict: that of the rules, and a digest of the thresholds."""
        digest = sha256_hex(
            canonical_text(
                {
                    "minimum_confidence": _plain(self.minimum_confidence),
                    "confidence_threshold": _plain(self.confidence_threshold),
                    "sources": sorted(self.sources),
                    "issue_types": sorted(self.issue_types),
                    "window_hours": self.window_hours,
                }
            )
        )
        return f"{OWN_VERSION}{RULES_REVISION}-{digest[:_DIGEST_LENGTH]}"


def is_own_version(rules_version: str) -> bool:
    """Return whether a verdict with this version was made by these rules, and not elsewhere."""
    return rules_version.startswith(OWN_VERSION)


def _plain(number: Decimal) -> str:
    """Return a number as text; 0.7 and 0.70 are the same text."""
    return f"{number.normalize():f}"
