"""Type, severity, confidence and action, from what was read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from governance.authorities.validator.classification import TYPES
from governance.authorities.validator.confidence import action_for, source_weight
from governance.authorities.validator.indicators import Strength, indicator_table, read_table
from governance.authorities.validator.verdict import exact_confidence
from governance.authorities.validator.words import ReportPart
from tests.unit.validator.support import REGISTRY, analysed, verdict


def confidence(subject: str, body: str, issue_type: str) -> Decimal:
    [found] = [one for one in analysed(subject, body).types if one.issue_type == issue_type]
    return found.confidence


class TestTypeConfidence:
    @pytest.mark.parametrize(
        ("subject", "body", "issue_type", "expected"),
        [
            ("Bug", "Error: timeout", "bug_report", "0.75"),
            ("Crash", "", "bug_report", "0.30"),
            ("", "error and failure", "bug_report", "0.10"),
            ("Enable", "", "capability_request", "0.30"),
            ("Enable email_send", "", "capability_request", "0.70"),
            ("We might enable email_send", "", "capability_request", "0.60"),
            ("Configure threshold", "change the limit to 5", "configuration_change", "1"),
            ("", "change max_pods", "configuration_change", "0.35"),
            ("Hello", "", "bug_report", "0"),
        ],
    )
    def test_confidence__of_a_type__is_the_sum_of_its_signs(
        self, subject: str, body: str, issue_type: str, expected: str
    ) -> None:
        assert confidence(subject, body, issue_type) == Decimal(expected)

    def test_steps_to_reproduce__in_the_body__speak_for_a_bug(self) -> None:
        with_steps = confidence("Crash", "KeyError. To reproduce: open it", "bug_report")
        assert with_steps - confidence("Crash", "KeyError", "bug_report") == Decimal("0.10")

    def test_strong_indicator__where_nothing_is_named__is_enough_alone(self) -> None:
        assert verdict("It is broken").issue_type == "bug_report"
        assert verdict("The configuration").issue_type == "unknown"

    def test_tie__between_a_request_and_a_bug__is_a_request(self) -> None:
        analysis = analysed("Promote it: regression")
        by_type = {one.issue_type: one.confidence for one in analysis.types}
        assert by_type["capability_request"] >= by_type["bug_report"] >= Decimal("0.30")
        assert analysis.found.issue_type == "capability_request"
        assert TYPES[0] == "escalation"


class TestSeverity:
    @pytest.mark.parametrize(
        ("subject", "body", "severity"),
        [
            ("Broken", "It hits multiple tenants and data integrity.", "critical"),
            ("Broken", "It hits multiple tenants.", "medium"),
            ("Broken", "A production outage and a security breach", "critical"),
            ("Broken", "We are severely impacted, and blocked.", "high"),
            ("Broken", "We are blocked.", "medium"),
            ("Broken", "We cannot use it.", "high"),
            ("Broken", "It is completely broken.", "high"),
            ("Minor cosmetic issue", "A typo", "low"),
            ("Minor bug", "We are blocked.", "medium"),
            ("Urgent", "A typo", "high"),
            ("Bug", "not minor", "medium"),
        ],
    )
    def test_severity__of_a_report__comes_from_its_words(
        self, subject: str, body: str, severity: str
    ) -> None:
        assert verdict(subject, body).severity == severity

    def test_wish__for_something_new__is_low_unless_a_capability_is_named(self) -> None:
        assert verdict("Support dark mode").severity == "low"
        assert verdict("Support email_send").severity == "medium"

    def test_vulnerability__with_its_number__is_critical(self) -> None:
        found = verdict("CVE-2026-12345 in the parser")
        assert (found.issue_type, found.severity) == ("escalation", "critical")


class TestConfidenceAndAction:
    def test_source__that_nobody_knows__weighs_nothing(self) -> None:
        assert source_weight("carrier pigeon") == 0
        assert source_weight("ops_alert") == Decimal("0.20")

    def test_low_report__of_little_confidence__is_rejected(self) -> None:
        assert verdict("Typo bug", source="support_ticket").recommended_action == "reject"

    def test_confidence__just_below_a_limit__is_compared_unrounded(self) -> None:
        for confidence_score, action in (
            ("0.4999", "defer"),
            ("0.5", "reject"),
            ("0.7", "create_contract"),
        ):
            assert (
                action_for(
                    issue_type="bug_report", severity="low", confidence=Decimal(confidence_score)
                )
                == action
            )

    def test_capability__that_is_not_registered__lowers_the_confidence(self) -> None:
        off = {"type": "capability_disable", "capability_name": "nope", "reason": "unused"}
        known = off | {"capability_name": "email_send"}
        scores = [
            verdict(changes=changes).confidence_score for changes in ([off], [off, known], [known])
        ]
        assert scores == [0.7, 0.85, 0.9]

    def test_confidence__before_it_is_rounded__is_what_rules_compare(self) -> None:
        analysis = analysed("Enable email_send")
        assert exact_confidence(analysis, registry=REGISTRY) == Decimal("0.81")
        assert verdict("Enable email_send").confidence_score == 0.81


class TestIndicatorTable:
    def test_table__as_shipped__has_every_type_and_severity(self) -> None:
        groups = {one.speaks_for for one in indicator_table().indicators}
        assert groups == {*TYPES, "critical", "high", "low"}

    def test_indicators__of_one_type__have_names_of_their_own_but_for_one(self) -> None:
        keys = [(one.speaks_for, one.name) for one in indicator_table().indicators]
        assert sorted({key for key in keys if keys.count(key) > 1}) == [("escalation", "critical")]

    @pytest.mark.parametrize(
        ("phrase", "body", "found"),
        [
            ("set ... to", "set it up to", True),
            ("set ... to", "set to", True),
            ("set ... to", "set one two three four to", True),
            ("set ... to", "set one two three four five to", False),
            ("set ... to", "set", False),
            ("red |", "red", True),
            ("red |", "red, blue", True),
            ("red |", "red blue", False),
            ("to #", "to 5m", True),
            ("to #", "to five", False),
            ("to ... #", "to about 5", True),
            ("red/blue sky", "blue sky", True),
            ("red/blue sky", "blue", False),
        ],
    )
    def test_phrase__of_the_table__is_found_as_it_says(
        self, phrase: str, body: str, found: bool
    ) -> None:
        table = read_table(
            {
                "version": 1,
                "form_sentences": [],
                "types": {"bug_report": [{"words": phrase, "strength": "strong"}]},
                "severities": {},
            }
        )
        [sentence] = analysed("", body).sentences
        assert bool(list(table.found_in(sentence))) is found

    def test_strength__by_part__counts_in_that_part_alone(self) -> None:
        table = read_table(
            {
                "version": 1,
                "form_sentences": [],
                "types": {"bug_report": [{"words": "red", "subject": "strong", "heading": "weak"}]},
                "severities": {},
            }
        )
        [indicator] = table.indicators
        assert indicator.strengths == {
            ReportPart.SUBJECT: Strength.STRONG,
            ReportPart.HEADING: Strength.WEAK,
        }
