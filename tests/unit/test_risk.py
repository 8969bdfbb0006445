"""The risk of a contract: the highest of its reasons, whatever the proposer asked for."""

from __future__ import annotations

from typing import Any

import pytest

from governance.domain.risk import risk_reasons
from governance.domain.values import RiskLevel
from governance.models import SystemContract

TUNE = {"type": "parameter_change", "scope": "Search", "parameters": {"a": 1}}
DISABLE = {"type": "capability_disable", "capability_name": "Search", "reason": "Too slow."}


def contract_with(
    *,
    asked: str = "low",
    severity: str | None = "low",
    changes: list[dict[str, Any]] | None = None,
    capabilities: tuple[str, ...] = ("Search",),
) -> SystemContract:
    verdict = None if severity is None else {"severity": severity}
    return SystemContract(
        risk_level=asked,
        validator_verdict=verdict,
        proposed_changes=changes or [TUNE],
        affected_capabilities=list(capabilities),
    )


CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "asked": ({"asked": "medium"}, "medium", "the proposer calls it medium"),
    "asked above all": ({"asked": "critical", "changes": [DISABLE]}, "critical", "the proposer"),
    "severity": ({"severity": "critical"}, "critical", "the validator calls it critical"),
    "no severity yet": ({"severity": None}, "low", "the proposer calls it low"),
    "system": ({"capabilities": ("Search", "SYSTEM")}, "high", "it affects the whole system"),
    "disable": ({"changes": [TUNE, DISABLE]}, "high", "it disables a capability"),
    "10 changes": ({"changes": [TUNE] * 10}, "low", "the proposer calls it low"),
    "11 changes": ({"changes": [TUNE] * 11}, "high", "it has 11 changes"),
    "draft": ({"severity": None, "changes": [DISABLE]}, "high", "it disables a capability"),
}


@pytest.mark.parametrize(("given", "level", "why"), CASES.values(), ids=list(CASES))
def test_risk__is_the_highest_of_its_reasons(given: dict[str, Any], level: str, why: str) -> None:
    contract = contract_with(**given)
    highest = risk_reasons(contract)[0]
    assert (highest.level, highest.words[: len(why)]) == (level, why)
    asked = contract.risk_level
    for _ in range(2):  # the second time changes nothing
        contract.raise_risk()
        assert contract.risk_level == level
        assert contract.risk_asked == (None if level == asked else asked)


@pytest.mark.parametrize("asked", RiskLevel)
@pytest.mark.parametrize("severity", RiskLevel)
def test_risk__of_asked_and_severity__is_the_higher(asked: str, severity: str) -> None:
    contract = contract_with(asked=asked, severity=severity)
    contract.raise_risk()
    assert contract.risk_level == min(asked, severity, key=list(RiskLevel).index)
