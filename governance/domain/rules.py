"""The rules of eligibility, in the order of their evaluation, and the result of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of eligibility; `condition` is the sentence on pages, without the thresholds.

    The rules that block when they are true come first, and the first of them that is true ends the
    evaluation. Then all other rules must be true.
    """

    code: str
    name: str
    condition: str
    blocks_when_true: bool = False


RULES: tuple[Rule, ...] = (
    Rule("E-104", "system_health", "the system's health is not HEALTHY", blocks_when_true=True),
    Rule("E-100", "minimum_confidence", "confidence is below the minimum", blocks_when_true=True),
    Rule(
        "E-101",
        "critical_escalated",
        "it is critical, and escalation is not recommended",
        blocks_when_true=True,
    ),
    Rule("E-102", "frozen_capability", "a capability is frozen", blocks_when_true=True),
    Rule(
        "E-103",
        "system_pre_approved",
        "it is about the whole system, and was not approved beforehand",
        blocks_when_true=True,
    ),
    Rule("E-001", "confidence_threshold", "confidence reaches the threshold"),
    Rule("E-002", "known_capabilities", "every capability is known"),
    Rule("E-003", "blocking_signals", "no signal blocks the scope or the system"),
    Rule("E-004", "issue_type", "it is of a kind that may become a contract"),
    Rule("E-005", "source", "it comes from a source that may propose changes"),
    Rule("E-006", "open_contracts", "no recent contract on these capabilities is open"),
)


class RuleOutcome(StrEnum):
    """The outcome of a rule in a verdict."""

    PASSED = "passed"
    REFUSED = "failed"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A rule with its outcome; `condition` is empty for an unknown rule without a name."""

    code: str
    condition: str
    blocks_when_true: bool
    outcome: RuleOutcome
    reason: str = ""


def rule_results(verdict: Mapping[str, Any]) -> list[RuleResult]:
    """Return the result of each rule that the verdict lists, in order.

    It lists them as `rule_results: [{"rule_id": code, "passed": bool, "rule_name"?: text,
    "reason"?: text}, …]`; a verdict from elsewhere may say `rule`. A verdict that does not list
    its rules has no results, because a number of rules does not say which of them passed.
    """
    known = {rule.code: rule for rule in RULES}
    listed = verdict.get("rule_results")
    results: list[RuleResult] = []
    for row in listed if isinstance(listed, list) else ():
        match row:
            case {"rule_id": str(code), "passed": bool(passed)}:
                pass
            case {"rule": str(code), "passed": bool(passed)}:
                pass
            case _:
                return []
        rule = known.get(code, Rule(code, "", _text(row, "rule_name")))
        outcome = RuleOutcome.PASSED if passed else RuleOutcome.REFUSED
        reason = _text(row, "reason")
        results.append(RuleResult(code, rule.condition, rule.blocks_when_true, outcome, reason))
    return results


def _text(row: Mapping[str, Any], name: str) -> str:
    text = row.get(name, "")
    return text if isinstance(text, str) else ""
