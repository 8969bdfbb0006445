"""The eligibility of a rollback, which is asked only E-102 and E-002."""

from __future__ import annotations

from datetime import datetime

from governance.authorities.eligibility.snapshot import EligibilitySnapshot, RegisteredNames
from governance.authorities.eligibility.thresholds import EligibilityThresholds
from governance.authorities.eligibility.verdict import ROLLBACK_RULES, decide_eligibility
from governance.domain.verdicts import EligibilityVerdict, ValidatorVerdict


def decide_rollback(
    *,
    reference: str,
    source: str,
    affected_capabilities: list[str],
    verdict: ValidatorVerdict,
    registered: RegisteredNames,
    at: datetime,
    thresholds: EligibilityThresholds,
) -> EligibilityVerdict:
    """Decide whether a contract may be rolled back; the reason names it.

    Args:
        reference: that of the contract that is undone, as are `source` and `verdict`.
        affected_capabilities: those of the rollback.
    """
    decided = decide_eligibility(
        EligibilitySnapshot(
            report=reference,
            source=source,
            verdict=verdict,
            affected_capabilities=affected_capabilities,
            registered=registered,
            taken_at=at,
        ),
        thresholds,
        only=ROLLBACK_RULES,
    )
    return decided.model_copy(update={"reason": f"Rolls back {reference}. {decided.reason}"})
