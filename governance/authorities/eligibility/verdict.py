"""The verdict: eleven rules over a snapshot, and MAY only where each of them is passed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.authorities.eligibility.findings import RuleFinding
from governance.authorities.eligibility.refusing_rules import (
    ask_critical_escalated,
    ask_frozen_capability,
    ask_minimum_confidence,
    ask_system_health,
    ask_system_pre_approved,
)
from governance.authorities.eligibility.requiring_rules import (
    ask_blocking_signals,
    ask_confidence,
    ask_issue_type,
    ask_known_capabilities,
    ask_open_contracts,
    ask_source,
)
from governance.authorities.eligibility.snapshot import EligibilitySnapshot
from governance.authorities.eligibility.thresholds import EligibilityThresholds
from governance.domain.canonical import timestamp
from governance.domain.rules import RULES, Rule
from governance.domain.verdicts import EligibilityVerdict

AskRule = Callable[[EligibilitySnapshot, EligibilityThresholds], RuleFinding]

# The rules that a rollback is asked, and those that are asked again when a contract is activated.
ROLLBACK_RULES = ("E-102", "E-002")
ACTIVATION_RULES = (
    *("E-100", "E-101", "E-102", "E-103"),
    *("E-001", "E-002", "E-004", "E-005"),
)


@dataclass(frozen=True, slots=True)
class EligibilityRule:
    """A rule with the question that a passed rule answers with yes, and the function that asks."""

    rule: Rule
    question: str
    ask: AskRule


_ASKED_BY: Mapping[str, tuple[str, AskRule]] = {
    "E-104": ("Is the system HEALTHY?", ask_system_health),
    "E-100": ("Does the confidence reach the minimum?", ask_minimum_confidence),
    "E-101": ("Is a critical report escalated?", ask_critical_escalated),
    "E-102": ("Is no capability frozen?", ask_frozen_capability),
    "E-103": ("Was a report about the whole system approved before?", ask_system_pre_approved),
    "E-001": ("Does the confidence reach the threshold?", ask_confidence),
    "E-002": ("Is every capability known?", ask_known_capabilities),
    "E-003": ("Does no signal block the change?", ask_blocking_signals),
    "E-004": ("May this type of report become a contract?", ask_issue_type),
    "E-005": ("May this source propose changes?", ask_source),
    "E-006": ("Is no recent contract on these capabilities open?", ask_open_contracts),
}
ELIGIBILITY_RULES: tuple[EligibilityRule, ...] = tuple(
    EligibilityRule(rule, *_ASKED_BY[rule.code]) for rule in RULES
)


def decide_eligibility(
    snapshot: EligibilitySnapshot,
    thresholds: EligibilityThresholds,
    *,
    only: Collection[str] | None = None,
) -> EligibilityVerdict:
    """Decide whether a report MAY become a contract.

    The refusing rules are asked first, and the first that is not passed ends the evaluation. Then
    all others are asked.

    Args:
        only: the codes of the rules to ask, in the order of the rules; None asks all.

    Raises:
        ValueError: `only` names no rule, or an unknown one.
    """
    results: list[dict[str, Any]] = []
    for one in _asked_rules(only):
        finding = one.ask(snapshot, thresholds)
        results.append(
            {
                "rule_id": one.rule.code,
                "rule_name": one.rule.name,
                "passed": finding.passed,
                "reason": finding.reason,
                "evidence": finding.evidence,
            }
        )
        if one.rule.blocks_when_true and not finding.passed:
            break
    return _verdict(results, snapshot, thresholds)


def _asked_rules(only: Collection[str] | None) -> Sequence[EligibilityRule]:
    if only is None:
        return ELIGIBILITY_RULES
    asked = [one for one in ELIGIBILITY_RULES if one.rule.code in only]
    if not asked or len(asked) != len(set(only)):
        raise ValueError(f"These are not rules of eligibility: {sorted(only)}")
    return asked


def _verdict(
    results: list[dict[str, Any]],
    snapshot: EligibilitySnapshot,
    thresholds: EligibilityThresholds,
) -> EligibilityVerdict:
    failed = [result for result in results if not result["passed"]]
    blocking: list[str] = []
    for result in results:
        blocking += result["evidence"].get("blocking_signals", [])
    first = failed[0] if failed else None
    return EligibilityVerdict(
        decision="MAY_NOT" if first else "MAY",
        reason=first["reason"] if first else _may_reason(results),
        rules_evaluated=len(results),
        first_failing_rule=first["rule_id"] if first else None,
        blocking_signals=blocking,
        missing_prerequisites=[_in_words(result) for result in failed],
        evaluated_at=timestamp(snapshot.taken_at) or "",
        rules_version=thresholds.rules_version,
        rule_results=results,
    )


def _may_reason(results: Sequence[dict[str, Any]]) -> str:
    if len(results) == len(ELIGIBILITY_RULES):
        return "All eligibility rules passed."
    asked = ", ".join(result["rule_id"] for result in results)
    return f"Asked only {asked}: all passed."


def _in_words(result: dict[str, Any]) -> str:
    return f"{result['rule_id']}: {result['reason']}"
