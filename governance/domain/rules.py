"""The gate's rules, in the order in which they are asked, and what a verdict says of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the gate.

    Those that block are asked first, and the first hit ends it; the others must all hold.
    """

    code: str
    condition: str
    blocks_when_true: bool = False


RULES: tuple[Rule, ...] = (
    Rule("E-104", "the system's health is not HEALTHY", blocks_when_true=True),
    Rule("E-100", "confidence is below 0.30", blocks_when_true=True),
    Rule("E-101", "critical, and nobody escalates it", blocks_when_true=True),
    Rule("E-102", "a capability is frozen", blocks_when_true=True),
    Rule(
        "E-103",
        "it is about the whole system, and was not approved beforehand",
        blocks_when_true=True,
    ),
    Rule("E-001", "confidence is at least 0.70"),
    Rule("E-002", "every capability is known"),
    Rule("E-003", "no signal blocks the scope or the system"),
    Rule("E-004", "it is of a kind that may become a contract"),
    Rule("E-005", "it comes from a source that may ask"),
    Rule("E-006", "no other contract on these capabilities is open"),
)


class RuleOutcome(StrEnum):
    """What became of a rule: fine, the one that refused, or never asked because of that one."""

    PASSED = "passed"
    REFUSED = "refused"
    NOT_EVALUATED = "not evaluated"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A rule with its outcome. `condition` is empty for a rule that is not among ours."""

    code: str
    condition: str
    blocks_when_true: bool
    outcome: RuleOutcome
    reason: str = ""


def rule_results(verdict: Mapping[str, Any]) -> tuple[list[RuleResult], bool]:
    """Each rule with its result, in order, and whether the verdict itself lists them.

    A verdict lists them as `rule_results: [{"rule": code, "passed": bool, "reason"?: text}, …]`.
    One that only counts them still says what became of each, if it asked all of ours: MAY means
    that all were fine, and otherwise none was asked after the first that refused. Empty where
    neither can be told.
    """
    if listed := _listed(verdict.get("rule_results")):
        return listed, True
    return _implied(verdict), False


def _listed(document: Any) -> list[RuleResult]:
    known = {rule.code: rule for rule in RULES}
    results: list[RuleResult] = []
    for row in document if isinstance(document, list) else ():
        match row:
            case {"rule": str(code), "passed": bool(passed), **rest}:
                rule = known.get(code, Rule(code, ""))
                outcome = RuleOutcome.PASSED if passed else RuleOutcome.REFUSED
                given_reason = rest.get("reason", "")
                reason = given_reason if isinstance(given_reason, str) else ""
                results.append(
                    RuleResult(code, rule.condition, rule.blocks_when_true, outcome, reason)
                )
            case _:
                return []
    return results


def _implied(verdict: Mapping[str, Any]) -> list[RuleResult]:
    asked = verdict.get("rules_evaluated")
    failing = verdict.get("first_failing_rule")
    codes = [rule.code for rule in RULES]
    if failing is None:
        if verdict.get("decision") != "MAY" or asked not in (len(RULES), codes):
            return []
        failed_at = len(RULES)
    elif failing in codes:
        failed_at = codes.index(failing)
    else:
        return []
    outcomes = {True: RuleOutcome.PASSED, False: RuleOutcome.NOT_EVALUATED}
    return [
        RuleResult(
            rule.code,
            rule.condition,
            rule.blocks_when_true,
            RuleOutcome.REFUSED if number == failed_at else outcomes[number < failed_at],
            str(verdict.get("reason", "")) if number == failed_at else "",
        )
        for number, rule in enumerate(RULES)
    ]
