"""The second question, at activation: what today's rules say of a verdict that earlier ones made.

Health, signals and other open contracts are not asked about again: the first two are guards of the
activation itself, and a contract that has been approved since is only a warning.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from governance.authorities.eligibility.snapshot import EligibilitySnapshot, RegisteredNames
from governance.authorities.eligibility.thresholds import EligibilityThresholds, is_own_version
from governance.authorities.eligibility.verdict import (
    ACTIVATION_RULES,
    ROLLBACK_RULES,
    decide_eligibility,
)
from governance.domain.verdicts import EligibilityVerdict, parse_validator_verdict


def decide_again(
    *,
    report: str,
    source: str,
    affected_capabilities: Collection[str],
    validator_verdict: Mapping[str, Any] | None,
    recorded: Mapping[str, Any] | None,
    is_rollback: bool,
    registered: RegisteredNames,
    at: datetime,
    thresholds: EligibilityThresholds,
) -> EligibilityVerdict | None:
    """Decide on a recorded verdict by today's rules and today's registry.

    Return None if today's rules are those of the verdict, and for a verdict from outside, which
    other rules made.

    Whether a founder approved the report beforehand, and whether its proposer may propose, is what
    the recorded verdict found.

    Args:
        recorded: the eligibility verdict.
        is_rollback: whether the contract is a rollback, which is asked only the rules of one.

    Raises:
        InvalidVerdictError: the validator's verdict does not fit its form.
    """
    if recorded is None or not _was_made_otherwise(recorded, thresholds):
        return None
    was_pre_approved = was_recorded_true(recorded, "E-103", "pre_approved")
    snapshot = EligibilitySnapshot(
        report=report,
        source=source,
        verdict=parse_validator_verdict(validator_verdict),
        affected_capabilities=affected_capabilities,
        registered=registered,
        taken_at=at,
        pre_approved={report} if was_pre_approved else frozenset(),
        proposer_may_propose=was_recorded_true(recorded, "E-005", "proposer_may_propose"),
    )
    return decide_eligibility(
        snapshot, thresholds, only=ROLLBACK_RULES if is_rollback else ACTIVATION_RULES
    )


def _was_made_otherwise(recorded: Mapping[str, Any], thresholds: EligibilityThresholds) -> bool:
    version = str(recorded.get("rules_version"))
    return is_own_version(version) and version != thresholds.rules_version


def was_recorded_true(recorded: Mapping[str, Any] | None, code: str, name: str) -> bool:
    """Return whether the recorded evidence of the rule `code` says that `name` was true."""
    listed = (recorded or {}).get("rule_results")
    for row in listed if isinstance(listed, list) else []:
        match row:
            case {"rule_id": found, "evidence": {**evidence}} if found == code:
                return evidence.get(name) is True
    return False
