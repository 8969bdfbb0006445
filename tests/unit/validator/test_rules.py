"""The rules of the validator: it only advises, and every verdict says how it came about."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from governance.authorities.validator import verdict as verdict_module
from governance.authorities.validator.indicators import indicator_table
from governance.authorities.validator.name_index import NameIndex
from governance.authorities.validator.report import Report, report_of_payload
from governance.authorities.validator.verdict import validate_report, validator_version
from governance.domain.verdicts import parse_validator_verdict
from tests.unit.validator.support import AT, KEYS, NAMES, REGISTRY, analysed, verdict

ROOT = Path(__file__).resolve().parents[3]
OFF = {"type": "capability_disable", "capability_name": "email_send", "reason": "too many mails"}
LIMIT = {"type": "configuration_update", "scope": "SYSTEM", "key": "limit", "new_value": 5}


class TestVAL001NoWrites:
    def test_verdict__with_no_database_open__is_reached(self) -> None:
        # A test of this folder has no database: a query would fail.
        assert verdict("Enable email_send").issue_type == "capability_request"

    def test_package__imported_alone__brings_no_django(self) -> None:
        code = (
            "import sys, governance.authorities.validator.verdict as v;"
            "import governance.authorities.validator.proposals;"
            "sys.exit(any(name.split('.')[0] in ('django', 'psycopg') for name in sys.modules))"
        )
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

    def test_report__after_the_verdict__is_what_it_was(self) -> None:
        changes = [dict(OFF)]
        given = Report("manual", "Turn it off", "please", changes)
        validate_report(given, registry=REGISTRY, at=AT)
        assert changes == [OFF]


class TestVAL002VersionInEveryVerdict:
    @pytest.mark.parametrize("subject", ["", "Enable email_send", "URGENT", "\x00"])
    def test_verdict__on_any_report__names_schema_rules_and_tuning(self, subject: str) -> None:
        assert verdict(subject).validator_version == validator_version()
        assert [part.isdigit() for part in validator_version().split(".")] == [True] * 3

    def test_tuning__when_the_table_changes__is_its_version(self) -> None:
        assert validator_version().endswith(f".{indicator_table().version}")


class TestVAL003ConfidenceInBounds:
    @pytest.mark.parametrize("source", ["ops_alert", "manual", "carrier pigeon", ""])
    @pytest.mark.parametrize("words", [1, 40, 400])
    def test_confidence__however_much_speaks__is_at_most_one(self, source: str, words: int) -> None:
        body = "bug broken crash enable urgent set limit to 5 data loss email_send " * words
        assert 0 <= verdict("Enable", body, source=source).confidence_score <= 1

    def test_confidence__with_decimals__is_stored_with_three(self) -> None:
        score = verdict("Bug", "error").confidence_score
        assert score == round(score, 3)


class TestVAL004UnknownDefers:
    @pytest.mark.parametrize(
        ("subject", "body"),
        [
            ("", ""),
            ("Thank you", "What a magnificent job."),
            ("Exchange", "We exchange updates and modify drafts."),
            ("How do I enable email_send?", ""),
            ("security priority", "This issue asks for attention."),
            ("Hello", "`crash` and `urgent`"),
        ],
    )
    def test_report__of_no_type__is_unknown_and_deferred(self, subject: str, body: str) -> None:
        found = verdict(subject, body, source="ops_alert")
        assert (found.issue_type, found.recommended_action) == ("unknown", "defer")

    def test_internal_error__in_the_analysis__defers_and_names_the_error(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(verdict_module, "analyse_report", broken)
        found = verdict("Enable email_send")
        assert found.issue_type == "unknown"
        assert found.severity == "medium"
        assert found.recommended_action == "defer"
        assert found.confidence_score == 0
        assert "ZeroDivisionError" in found.reason
        assert found.evidence == {"error": "ZeroDivisionError"}


class TestVAL005EscalationEscalates:
    @pytest.mark.parametrize(
        "words",
        [
            *("urgent", "emergency", "asap", "immediately", "critical"),
            *("security incident", "breach", "outage", "data loss"),
        ],
    )
    def test_indicator__alone_in_a_subject__escalates(self, words: str) -> None:
        found = verdict(f"Test {words}", f"This is a {words}.")
        assert (found.issue_type, found.recommended_action) == ("escalation", "escalate")
        assert found.severity in ("critical", "high")

    def test_escalation__beside_a_stronger_type__wins(self) -> None:
        found = verdict("Bug: crash, broken, regression", "It fails with an exception. Urgent!")
        assert found.issue_type == "escalation"

    def test_critical_bug__that_is_no_escalation__escalates(self) -> None:
        found = verdict("Bug after upgrade", "All users: my data is gone, the app crashes.")
        assert (found.issue_type, found.severity) == ("bug_report", "critical")
        assert found.recommended_action == "escalate"

    @pytest.mark.parametrize(
        "body",
        [
            "It is on the critical path of email_send.",
            "This is a non-critical change.",
            "/priority critical-urgent",
        ],
    )
    def test_critical__of_something_else__does_not_escalate(self, body: str) -> None:
        assert verdict("Enable email_send", body).issue_type == "capability_request"


class TestStructuredChangesSpeakForThemselves:
    def test_changes__that_are_valid__decide_type_and_capabilities(self) -> None:
        found = verdict("Urgent bug", "It crashes: sms_send is broken.", changes=[OFF, LIMIT])
        assert found.issue_type == "capability_request"
        assert found.affected_capabilities == ["SYSTEM", "email_send"]
        assert found.evidence["type_confidence"] == 1
        assert list(found.evidence["types"]) == ["capability_request"]

    @pytest.mark.parametrize(
        ("changes", "issue_type"),
        [(LIMIT, "configuration_change"), ({"changes": [LIMIT, OFF]}, "configuration_change")],
    )
    def test_type__of_mixed_changes__is_the_firsts(self, changes: object, issue_type: str) -> None:
        assert verdict(changes=changes).issue_type == issue_type

    def test_severity__with_changes__still_comes_from_the_words(self) -> None:
        assert verdict("Typo", "cosmetic", changes=[OFF]).severity == "low"

    def test_changes__that_are_invalid__leave_the_decision_to_the_words(self) -> None:
        found = verdict("Bug", "email_send crashes", changes=[{"type": "nonsense"}])
        assert found.issue_type == "bug_report"
        assert "proposed_changes[0].type" in found.evidence["proposed_changes"]


class TestVerdictsAreDeterministic:
    REPORT = ("Enable emial_send and ImageVolumes", "Not urgent. It crashes: `data_export`. docs")

    def test_verdict__with_the_names_in_another_order__is_the_same(self) -> None:
        given = Report("manual", *self.REPORT)
        other = NameIndex([*reversed(NAMES), *NAMES], dict(reversed(KEYS.items())))
        first, second = (validate_report(given, registry=one, at=AT) for one in (REGISTRY, other))
        assert first == second

    def test_verdict__under_other_hash_seeds__is_byte_for_byte_the_same(self) -> None:
        code = (
            "from tests.unit.validator.support import verdict;"
            f"print(verdict(*{self.REPORT!r}).model_dump_json())"
        )
        seen = {
            subprocess.run(
                [sys.executable, "-c", code],
                cwd=ROOT,
                env=os.environ | {"PYTHONHASHSEED": seed},
                check=True,
                capture_output=True,
            ).stdout
            for seed in ("0", "1", "4711")
        }
        assert len(seen) == 1
        assert json.loads(seen.pop())["affected_capabilities"] == [
            "ImageVolume",
            "data_export",
            "email_send",
        ]

    def test_verdict__at_another_time__differs_in_the_time_alone(self) -> None:
        given = Report("manual", *self.REPORT)
        later = validate_report(given, registry=REGISTRY, at=AT + timedelta(days=1))
        assert later.model_copy(update={"analyzed_at": AT.isoformat()}) == verdict(*self.REPORT)


class TestEvidence:
    def test_evidence__of_a_verdict__is_plain_json_that_the_contract_accepts(self) -> None:
        found = verdict("Enable emial_send", "Not urgent, `crash`; set max_pods to 5. Outage.")
        assert parse_validator_verdict(json.loads(found.model_dump_json())) == found

    def test_components__of_the_confidence__are_in_the_evidence(self) -> None:
        evidence = verdict("Enable email_send", source="ops_alert").evidence
        assert evidence["type_confidence"] == pytest.approx(0.7)
        assert evidence["source_weight"] == 0.2
        assert evidence["capability_confidence"] == 0.1

    def test_words__that_count_and_that_do_not__are_listed_with_the_reason(self) -> None:
        evidence = verdict("Enable email_send", "It is not urgent.").evidence
        signs = evidence["types"]["capability_request"]["signs"]
        assert {"what": "strong", "words": "Enable", "weight": 0.4} in signs
        assert evidence["not_counted"] == [
            {"words": "urgent", "speaks_for": "escalation", "why": "negated"},
            {"words": "urgent", "speaks_for": "critical", "why": "negated"},
        ]

    def test_reason__of_a_verdict__says_type_severity_and_capabilities(self) -> None:
        reason = verdict("Production outage", "Multiple tenants, data integrity.").reason
        assert 'strong "outage"' in reason
        assert "Severity critical because of" in reason
        assert "no registered capability" in reason

    def test_indicator__that_is_repeated__counts_once(self) -> None:
        once, often = analysed("Bug"), analysed("Bug bug bug", "bug " * 50)
        assert once.found.confidence == often.found.confidence

    def test_indicator__that_is_repeated_where_it_is_weaker__keeps_its_strength(self) -> None:
        once, again = analysed("Stuck"), analysed("Stuck", "It is stuck.")
        assert once.found.confidence == again.found.confidence
        assert again.found.issue_type == "bug_report"


class TestReportOfPayload:
    def test_texts__of_a_nested_payload__are_read_once_each(self) -> None:
        read = report_of_payload(
            source="manual",
            payload={
                "subject": "S",
                "title": "T",
                "description": "D",
                "payload": {"subject": "S", "body": "B", "title": 5, "description": " "},
            },
        )
        assert (read.subject, read.body) == ("S\nT", "D\nB")

    def test_fields__of_other_types__are_left_out(self) -> None:
        read = report_of_payload(
            source="manual",
            payload={"subject": None, "payload": "text", "structured_data": [1], "body": ["x"]},
        )
        assert read == Report("manual", "", "")

    def test_changes_and_hints__of_a_nested_payload__are_found(self) -> None:
        read = report_of_payload(
            source="manual",
            payload={
                "capability_hints": ["email_send", 5],
                "payload": {"structured_data": {"proposed_changes": [OFF]}},
            },
        )
        assert read.proposed_changes == [OFF]
        assert read.capability_hints == ("email_send",)

    def test_hint__that_the_text_does_not_name__is_no_finding(self) -> None:
        given = Report("manual", "Please enable it", "", None, ("email_send",))
        assert validate_report(given, registry=REGISTRY, at=AT).affected_capabilities == []
