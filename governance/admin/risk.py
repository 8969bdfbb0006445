"""The risk card of a contract's page: its scope, rollbacks, conflicts, advice and health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.admin.wording import plural
from governance.authorities.review.differences import ChangeRow
from governance.domain.risk import risk_reasons
from governance.domain.values import SYSTEM_SCOPE, HealthDecision, HealthReading
from governance.models import SystemContract


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """A sentence of the risk card; `warns` marks one that speaks against the change."""

    words: str
    warns: bool


def level_point(contract: SystemContract) -> RiskPoint:
    """Return the sentence that says why the contract has its risk level."""
    level = contract.risk_level
    why = " and ".join(one.words for one in risk_reasons(contract) if one.level == level)
    asked = f" The proposer asked for {contract.risk_asked}." if contract.risk_asked else ""
    return RiskPoint(f"The risk is {level}, because {why}.{asked}", bool(asked))


def risk_points(
    *,
    capabilities: Sequence[str],
    rows: Sequence[ChangeRow],
    validator: Mapping[str, Any] | None,
    health: HealthReading | None,
) -> list[RiskPoint]:
    """Return the sentences of the risk card, warnings first."""
    points = [_scope_point(capabilities, rows), _rollback_point(rows)]
    if conflicts := sum(row.conflict for row in rows):
        points.append(
            RiskPoint(
                f"{plural(conflicts, 'change')} would overwrite a value that differs from the one"
                " that the proposal expects.",
                True,
            )
        )
    if doubts := sum(any(one.doubt for one in row.differences) for row in rows):
        points.append(
            RiskPoint(
                "1 change expects a value where none is recorded."
                if doubts == 1
                else f"{doubts} changes expect values where none are recorded.",
                True,
            )
        )
    if validator:
        sure = float(validator["confidence_score"])
        points.append(
            RiskPoint(
                f"The validator calls it {validator['severity']}, {sure:.0%} sure.", sure < 0.7
            )
        )
    if unwell := _unwell(health):
        points.append(RiskPoint(f"Not healthy now: {unwell}.", True))
    return sorted(points, key=lambda point: not point.warns)


def _scope_point(capabilities: Sequence[str], rows: Sequence[ChangeRow]) -> RiskPoint:
    if any(row.target == SYSTEM_SCOPE for row in rows) or SYSTEM_SCOPE in capabilities:
        return RiskPoint("It affects the whole system, not only single capabilities.", True)
    reached = plural(len(capabilities), "capability", "capabilities")
    return RiskPoint(f"It affects {reached} and nothing else.", False)


def _rollback_point(rows: Sequence[ChangeRow]) -> RiskPoint:
    lost = [row.number + 1 for row in rows if not row.has_rollback]
    if not lost and any(row.conflict for row in rows):
        return RiskPoint(
            "A rollback restores the recorded value, not the one that the proposal expects.", True
        )
    if not lost:
        return RiskPoint("Every step has a rollback.", False)
    why = "no rollback, because nothing is recorded of"
    if len(lost) == 1:
        return RiskPoint(f"Step {lost[0]} has {why} its target.", True)
    named = ", ".join(map(str, lost[:10])) + (", …" if len(lost) > 10 else "")
    return RiskPoint(f"{len(lost)} of {len(rows)} steps have {why} their targets: {named}.", True)


def _unwell(health: HealthReading | None) -> str:
    if health is None:
        return ""
    scopes = {"the system": health.system, **health.capabilities}
    unwell = [
        f"{name} is {word}" for name, word in scopes.items() if word != HealthDecision.HEALTHY
    ]
    return ", ".join(unwell[:5]) + (f" and {len(unwell) - 5} more" if len(unwell) > 5 else "")
