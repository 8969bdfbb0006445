"""The rules of eligibility, in the order of their evaluation, and the result of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of eligibility.

    The rules that block when they are true come first, and the first of them that is true ends the
    evaluation. Then all other rules must be true.
    """

    code: str
    condition: str
    blocks_when_true: bool = False


RULES: tuple[Rule, ...] = (
    Rule("E-104", "the system's health is not HEALTHY", blocks_when_true=True),
    Rule("E-100", "confidence is below 0.30", blocks_when_true=True),
    Rule("E-101", "it is critical, and escalation is not recommended", blocks_when_true=True),
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
    Rule("E-005", "it comes from a source that may propose changes"),
    Rule("E-006", "no other contract on these capabilities is open"),
)


class RuleOutcome(StrEnum):
    """The outcome of a rule: it passed, it refused, or another rule refused before it."""

    PASSED = "passed"
    REFUSED = "failed"
    NOT_EVALUATED = "not evaluated"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A rule with its outcome; `condition` is empty for a rule that is not one of `RULES`."""

    code: str
    condition: str
    blocks_when_true: bool
    outcome: RuleOutcome
    reason: str = ""


def rule_results(verdict: Mapping[str, Any]) -> tuple[list[RuleResult], bool]:
    """Return the result of each rule, in order, and whether the verdict itself lists the results.

    A verdict lists them as `rule_results: [{"rule": code, "passed": bool, "reason"?: text}, …]`.
    Without that list, the results follow from the decision, if the verdict evaluated exactly
    `RULES`: after MAY all passed; after MAY_NOT the rules before the failing one passed, and the
    rules after it were not evaluated. The list is empty if the results are unknown.
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
