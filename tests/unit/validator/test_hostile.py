"""Texts that were made to break a reader: nothing fails, and nothing takes long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.authorities.validator.proposals import changes_proposed_by
from governance.authorities.validator.report import MAX_TEXT_CHARACTERS, report_of_payload
from governance.authorities.validator.verdict import validate_report
from governance.domain.verdicts import parse_validator_verdict
from tests.unit.validator.support import AT, REGISTRY, analysed, report, verdict

MAX_SECONDS = 1.0  # generous: each takes a few hundredths of a second

UNITS = [
    *("a", "-", "a-", "_", "`", '"', "'", "«", "[", "[ ", "#", "> ", "*", "**", "<!--", "\n", "\t"),
    *("urgent ", "not ", "not urgent ", "set ", "set to ", "how ", "if ", "a b c d e f to ", "1 "),
    *("email ", "email_sned ", "image volume ", "feature ", "A1_", "x" * 199 + "1 ", "http://a "),
    *("    a\n", "a   b   c\n", "```\n", "```a``` ", "at a(", 'File "', "HTTP a a 5", "error ("),
    *("\u202e", "\ufeff", "\ud800", "é", "e\u0301\u0301", "漢", "ﷺ", "\u2028", "\r", "\x00", "؀"),
    *("set a of b to ", "please ", "- [x] ", "\\", "$ ", '{"', "E0000 00:00:0", "ab-" * 50 + " "),
]


class TestHostileTexts:
    @pytest.mark.parametrize("unit", UNITS, ids=range(len(UNITS)))
    def test_body__that_repeats_one_unit__is_read_in_time(self, unit: str) -> None:
        text = unit * (10_000 // len(unit))
        begin = time.process_time()
        for found in (verdict("", text), verdict(text, "Enable email_send"), verdict(text, text)):
            assert "error" not in found.evidence
        changes_proposed_by(analysed(text, text), registry=REGISTRY)
        assert time.process_time() - begin < 4 * MAX_SECONDS

    def test_text__beyond_the_limit__is_not_read(self) -> None:
        payload = {"subject": "x", "body": "a " * MAX_TEXT_CHARACTERS + " urgent"}
        read = report_of_payload(source="manual", payload=payload)
        assert len(read.body) == MAX_TEXT_CHARACTERS
        assert validate_report(read, registry=REGISTRY, at=AT).issue_type == "unknown"

    @settings(max_examples=400, deadline=None)
    @given(st.text(max_size=300), st.text(max_size=600), st.text(max_size=20))
    def test_any_text__in_any_field__gets_a_verdict_of_the_right_form(
        self, subject: str, body: str, source: str
    ) -> None:
        found = verdict(subject, body, source=source)
        assert "error" not in found.evidence
        assert parse_validator_verdict(found.model_dump(mode="json")) == found
        assert verdict(subject, body, source=source) == found

    @settings(max_examples=300, deadline=None)
    @given(
        st.lists(st.sampled_from([*UNITS, "Turn off ImageVolume. ", "urgent: no "]), max_size=40)
    )
    def test_any_mixture__of_hostile_units__invents_no_name_and_no_change(
        self, units: list[str]
    ) -> None:
        analysis = analysed("Enable it", "".join(units))
        assert set(analysis.affected) <= REGISTRY.names
        for change in changes_proposed_by(analysis, registry=REGISTRY).changes:
            assert change.target in REGISTRY.names

    @pytest.mark.parametrize("changes", [0, "", [], {}, [[]], {"changes": 5}, [None], {"type": []}])
    def test_structured_changes__of_any_shape__get_a_verdict(self, changes: object) -> None:
        found = validate_report(report("Enable", changes=changes), registry=REGISTRY, at=AT)
        assert found.evidence.get("error") is None
        assert found.evidence["proposed_changes"]
