"""The verdict of eligibility: the promises ELIG-001 to ELIG-005, its form and its version."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.authorities.eligibility.snapshot import BlockingSignal
from governance.authorities.eligibility.thresholds import EligibilityThresholds, is_own_version
from governance.authorities.eligibility.verdict import (
    ACTIVATION_RULES,
    ELIGIBILITY_RULES,
    ROLLBACK_RULES,
)
from governance.domain.canonical import canonical_text
from governance.domain.rules import RULES, rule_results
from governance.domain.values import HealthDecision
from governance.domain.verdicts import parse_eligibility_verdict
from tests.support.eligibility import decided, failing, open_contract

ROOT = Path(__file__).resolve().parents[3]
CODES = [rule.code for rule in RULES]
NAMES = ["Search", "Mail", "Export", "Ghost", "SYSTEM"]
_DECIDE = """
from tests.support.eligibility import decided
from governance.authorities.eligibility.snapshot import BlockingSignal
names = {"Search", "Mail", "Export", "Ghost"}
signals = {BlockingSignal(scope, kind) for scope in names for kind in "ABC"}
print(decided(affected_capabilities=names, known=names, blocking_signals=signals).model_dump_json())
"""

facts = st.fixed_dictionaries(
    {
        "affected_capabilities": st.lists(st.sampled_from(NAMES), max_size=5),
        "known": st.lists(st.sampled_from(NAMES), max_size=5),
        "frozen": st.lists(st.sampled_from(NAMES), max_size=2),
        "system_health": st.sampled_from([HealthDecision.HEALTHY] * 4 + [*HealthDecision, None]),
        "score": st.floats(0, 1).map(lambda score: round(score, 3)),
        "severity": st.sampled_from(["critical", "high", "medium", "low"]),
        "action": st.sampled_from(["create_contract", "defer", "reject", "escalate"]),
        "source": st.sampled_from(["support_ticket", "manual", ""]),
        "blocking_signals": st.lists(
            st.builds(BlockingSignal, st.sampled_from(NAMES), st.sampled_from(["", "A", "B"])),
            max_size=6,
        ),
        "open_contracts": st.lists(
            st.builds(
                open_contract,
                st.sampled_from(NAMES),
                hours=st.integers(0, 48),
                number=st.integers(1, 9),
            ),
            max_size=5,
        ),
    }
)


def record(**fields: Any) -> str:
    return canonical_text(decided(**fields).model_dump(mode="json"))


class TestELIG001Deterministic:
    @given(facts)
    def test_snapshot__twice__gives_the_same_verdict(self, fields: dict[str, Any]) -> None:
        assert record(**fields) == record(**fields)

    @given(facts, st.randoms())
    def test_order__of_anything__does_not_matter(
        self, fields: dict[str, Any], chance: random.Random
    ) -> None:
        shuffled = {
            name: chance.sample(value, len(value)) if isinstance(value, list) else value
            for name, value in fields.items()
        }
        assert record(**fields) == record(**shuffled)

    def test_verdict__under_other_hash_seeds__is_the_same(self) -> None:
        verdicts = {
            subprocess.run(
                [sys.executable, "-c", _DECIDE],
                env=os.environ | {"PYTHONHASHSEED": seed},
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for seed in ("0", "1", "4242")
        }
        assert len(verdicts) == 1
        assert len(json.loads(verdicts.pop())["blocking_signals"]) == 12


class TestELIG002ReasonAlways:
    @given(facts)
    def test_verdict__whatever_it_says__has_reasons(self, fields: dict[str, Any]) -> None:
        verdict = decided(**fields)
        assert verdict.reason
        assert all(row["reason"] for row in verdict.rule_results)

    def test_may__says_so(self) -> None:
        assert decided().reason == "All eligibility rules passed."

    def test_may_not__has_the_reason_of_the_first_failing_rule(self) -> None:
        verdict = decided(score=0.5, source="manual", affected_capabilities=[])
        assert verdict.first_failing_rule == "E-001"
        assert verdict.reason == "Confidence 0.5 is below the threshold of 0.70."
        assert [one[:5] for one in verdict.missing_prerequisites] == ["E-001", "E-002", "E-005"]

    def test_reason__of_very_long_names__still_fits(self) -> None:
        names = [f"{number:02}{'x' * 198}" for number in range(60)]
        verdict = decided(affected_capabilities=names, frozen=names)
        assert len(verdict.reason) == 1000
        assert parse_eligibility_verdict(verdict.model_dump()).may is False


class TestELIG003RefusingRulesFirst:
    def test_rules__are_asked_in_their_order(self) -> None:
        verdict = decided()
        assert [row["rule_id"] for row in verdict.rule_results] == CODES
        assert CODES[:5] == ["E-104", "E-100", "E-101", "E-102", "E-103"]

    @pytest.mark.parametrize("number", range(1, 6))
    def test_refusing_rule__ends_the_evaluation(self, number: int) -> None:
        refusals: list[dict[str, Any]] = [
            {"system_health": None},
            {"score": 0.1},
            {"severity": "critical"},
            {"frozen": ["SYSTEM"]},
            {"affected_capabilities": ["SYSTEM"]},
        ]
        fields: dict[str, Any] = {"source": "manual", "affected_capabilities": ["SYSTEM"]}
        for refusal in reversed(refusals[number - 1 :]):
            fields |= refusal
        verdict = decided(**fields)
        assert verdict.first_failing_rule == CODES[number - 1]
        assert [row["rule_id"] for row in verdict.rule_results] == CODES[:number]

    def test_other_rules__are_all_asked(self) -> None:
        verdict = decided(score=0.5, action="defer", source="manual")
        assert failing(verdict) == ["E-001", "E-004", "E-005"]
        assert verdict.rules_evaluated == 11

    @given(facts)
    def test_may__only_where_every_rule_passed(self, fields: dict[str, Any]) -> None:
        verdict = decided(**fields)
        assert verdict.may == (failing(verdict) == [])
        assert not verdict.may or verdict.rules_evaluated == 11
        assert verdict.first_failing_rule == next(iter(failing(verdict)), None)


class TestELIG004BadHealthBlocksAll:
    @given(facts, st.sampled_from([HealthDecision.DEGRADED, HealthDecision.BLOCKED, None]))
    def test_report__while_the_system_is_ill__may_not(
        self, fields: dict[str, Any], health: HealthDecision | None
    ) -> None:
        verdict = decided(**(fields | {"system_health": health}))
        assert (verdict.decision, verdict.first_failing_rule) == ("MAY_NOT", "E-104")


class TestELIG005FrozenMeansFrozen:
    @given(facts)
    def test_report__with_a_frozen_capability__may_not(self, fields: dict[str, Any]) -> None:
        names = [*fields["affected_capabilities"], "Search"]
        changed = {"affected_capabilities": names, "frozen": ["Search"], "pre_approved": NAMES}
        assert decided(**(fields | changed)).decision == "MAY_NOT"


class TestVerdictForm:
    def test_verdict__is_one_that_a_contract_records(self) -> None:
        document = decided(source="manual").model_dump(mode="json")
        assert parse_eligibility_verdict(document).first_failing_rule == "E-005"
        assert [one.code for one in rule_results(document)] == CODES
        assert document["evaluated_at"] == "2026-11-02T09:00:00.000000Z"

    def test_rules__each_have_a_name_and_a_question(self) -> None:
        assert len({one.rule.name for one in ELIGIBILITY_RULES}) == 11
        assert all(one.question.endswith("?") for one in ELIGIBILITY_RULES)


class TestSomeRulesOnly:
    def test_rollback__is_asked_two_rules(self) -> None:
        verdict = decided(only=ROLLBACK_RULES, system_health=None, score=0.0)
        assert [row["rule_id"] for row in verdict.rule_results] == ["E-102", "E-002"]
        assert (verdict.decision, verdict.reason) == ("MAY", "Asked only E-102, E-002: all passed.")
        assert decided(only=ROLLBACK_RULES, frozen=["Search"]).decision == "MAY_NOT"

    def test_activation__does_not_ask_health_signals_and_open_contracts(self) -> None:
        asked = decided(only=ACTIVATION_RULES, system_health=None).rule_results
        assert [row["rule_id"] for row in asked] == [*ACTIVATION_RULES]
        assert {*CODES} - {*ACTIVATION_RULES} == {"E-104", "E-003", "E-006"}

    @pytest.mark.parametrize("only", [(), ("E-999",), ("E-002", "E-999")])
    def test_rules__none_or_unknown__cannot_be_asked(self, only: Any) -> None:
        with pytest.raises(ValueError, match="not rules of eligibility"):
            decided(only=only)


class TestRulesVersion:
    @pytest.mark.parametrize(
        "changed",
        [
            {"minimum_confidence": Decimal("0.31")},
            {"confidence_threshold": Decimal("0.71")},
            {"sources": frozenset({"manual"})},
            {"issue_types": frozenset({"bug_report"})},
            {"window_hours": 23},
        ],
        ids=lambda changed: next(iter(changed)),
    )
    def test_threshold__changed__changes_the_version(self, changed: Any) -> None:
        assert EligibilityThresholds(**changed).rules_version != decided().rules_version

    def test_threshold__written_otherwise__is_the_same_version(self) -> None:
        same = EligibilityThresholds(confidence_threshold=Decimal("0.7000"))
        assert same.rules_version == decided().rules_version

    def test_version__of_this_site__differs_from_others(self) -> None:
        assert is_own_version(decided().rules_version)
        assert not is_own_version("1.0.0")
        assert len(decided().rules_version) <= 50
