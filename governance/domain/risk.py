"""The risk of a contract: the highest of its reasons, so that nobody can lower it.

The database guard `contract_risk_derived` has the same rule, and a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from governance.domain.values import SYSTEM_SCOPE, RiskLevel

MAX_CHANGES_BELOW_HIGH = 10
_DISABLE = "capability_disable"
_HIGHEST_FIRST = tuple(RiskLevel)


@dataclass(frozen=True, slots=True)
class RiskReason:
    """A reason for a risk level, in words that follow "because"."""

    level: RiskLevel
    words: str


class Risky(Protocol):
    """A contract, or a light row of one.

    `risk_asked` is what the proposer asked for if the derived risk is higher; otherwise None.
    """

    risk_level: Any
    risk_asked: Any
    validator_verdict: Any
    proposed_changes: Any
    affected_capabilities: Any
    rolls_back_id: Any


def risk_reasons(contract: Risky) -> list[RiskReason]:
    """Return the reasons for a contract's risk, the highest level first; the first one counts.

    A draft has no verdicts yet, and therefore no severity. A rollback takes the risk of the
    contract that it undoes, whatever its own changes are.
    """
    if contract.rolls_back_id is not None:
        level = RiskLevel(contract.risk_level)
        return [RiskReason(level, f"that is the risk of the contract that it undoes: {level}")]
    changes, capabilities = contract.proposed_changes, contract.affected_capabilities
    asked = contract.risk_asked or contract.risk_level
    reasons = [RiskReason(RiskLevel(asked), f"the proposer calls it {asked}")]
    if severity := (contract.validator_verdict or {}).get("severity"):
        reasons.append(RiskReason(RiskLevel(severity), f"the validator calls it {severity}"))
    grave = {
        "it affects the whole system": SYSTEM_SCOPE in capabilities,
        "it disables a capability": any(one.get("type") == _DISABLE for one in changes),
        f"it has {len(changes)} changes": len(changes) > MAX_CHANGES_BELOW_HIGH,
    }
    reasons += [RiskReason(RiskLevel.HIGH, words) for words, applies in grave.items() if applies]
    return sorted(reasons, key=lambda reason: _HIGHEST_FIRST.index(reason.level))
