"""Show the eligibility of a contract: each rule with its result and its reason, as of then (the
recorded verdict) and as of now (today's rules, registry, health, signals and open contracts).
Nothing is written, and the recorded verdict stays the one that counts.

A rollback is asked two rules. docs/eligibility.md has the rules.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from governance.domain.rules import RuleOutcome, RuleResult, rule_results
from governance.flows.explain_eligibility import explain_eligibility
from governance.management.base import GovernanceCommand
from governance.management.values import parse_id, printable, text_table

HEADINGS = ("rule", "result", "condition", "reason")


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples = (
        "explain_eligibility 0197a0c2-0000-7000-8000-000000000000",
        "explain_eligibility 0197a0c2-0000-7000-8000-000000000000 --json",
    )
    exit_codes = {0: "explained, whatever the verdicts say"}

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "contract", metavar="CONTRACT", type=parse_id, help="The id of the contract."
        )

    def run(self, *, contract: UUID) -> None:
        explained = explain_eligibility(contract_id=contract)
        recorded = explained.recorded
        today = explained.today.model_dump(mode="json") if explained.today else None
        self.report(
            {"reference": explained.reference, "then": recorded, "now": today},
            f"Then: {'no verdict yet' if recorded is None else _summary(recorded)}",
            *([] if recorded is None else _table(recorded)),
            "",
            f"Now: {'no validator verdict yet' if today is None else _summary(today)}",
            *([] if today is None else _table(today)),
        )


def _summary(verdict: Mapping[str, Any]) -> str:
    return printable(
        f"{verdict['decision']}, rules version {verdict['rules_version']}, at "
        f"{verdict['evaluated_at']}: {verdict['reason']}"
    )


def _table(verdict: Mapping[str, Any]) -> Iterator[str]:
    results = rule_results(verdict)
    if not results:
        yield "The verdict does not list its rules."
        return
    yield from text_table(
        HEADINGS,
        [
            (printable(one.code), _outcome(one), _condition(one), printable(one.reason))
            for one in results
        ],
    )


def _outcome(result: RuleResult) -> str:
    if result.outcome is RuleOutcome.REFUSED:
        return "refused"
    return "not triggered" if result.blocks_when_true else "passed"


def _condition(result: RuleResult) -> str:
    refuses = "refuse when " if result.blocks_when_true else ""
    return printable(f"{refuses}{result.condition or 'an unknown rule'}")
