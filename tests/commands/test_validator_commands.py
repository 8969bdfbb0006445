"""`explain_verdict` and `evaluate_validator`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from governance.authorities.validator.confidence import source_weight
from governance.services.registry.operations import register_capabilities
from tests.support.commands import run
from tests.support.kubernetes import CAPABILITIES
from tests.support.users import Users

LABELLED = CAPABILITIES.parents[1] / "reports" / "dev.jsonl"
NAMES = {"capabilities": [{"name": "email_send"}, "ImageVolume"]}
REPORT = {
    "subject": "Turn off emial_send",
    "body": "Not urgent. It is completely broken: `crash`. limit_of_nothing",
    "source": "ops_alert",
}
LINE = {
    "id": "R1",
    "subject": "Turn off ImageVolume",
    "body": "",
    "label": {"issue_type": "bug_report", "severity": "high", "affected_capabilities": ["A  B"]},
}


@pytest.fixture
def names(tmp_path: Path) -> Path:
    """A file with two capabilities."""
    return written(tmp_path / "names.json", NAMES)


def written(path: Path, *documents: Any) -> Path:
    path.write_text("\n".join(json.dumps(one) for one in documents))
    return path


class TestExplainVerdict:
    def test_report__as_json__is_explained_word_by_word(self, tmp_path: Path, names: Path) -> None:
        ran = run("explain_verdict", written(tmp_path / "r.json", REPORT), "--registry", names)
        assert ran.code == 0
        for line in (
            "type          capability_request",
            "severity      high",
            "capabilities  email_send",
            "  source_weight          +0.20",
            '  +0.40  strong "Turn off"',
            'severity high: "completely broken" counts 2',
            'not counted for escalation: "urgent" is negated',
            'not counted for bug_report: "crash" is in code',
            '"emial_send" is email_send (0.889)',
            '"limit_of_nothing" is no capability: no registered name is like it',
        ):
            assert line in ran.out.splitlines()
        assert "emial_send is not registered; it may be email_send." in ran.out

    def test_report__as_text__has_its_subject_on_the_first_line(
        self, tmp_path: Path, names: Path
    ) -> None:
        path = tmp_path / "report.txt"
        path.write_text("\ufeff\nTurn off ImageVolume\nIt is a trial.\n", encoding="utf-8")
        result = run("explain_verdict", path, "--registry", names, "--json").json()
        assert result["verdict"]["issue_type"] == "capability_request"
        assert result["proposal"]["changes"] == [
            {
                "type": "capability_disable",
                "capability_name": "ImageVolume",
                "reason": "Turn off ImageVolume",
            }
        ]
        shown = run("explain_verdict", path, "--registry", names).out
        assert 'proposes      Disable "ImageVolume"' in shown

    def test_report__with_two_readings__shows_both(self, tmp_path: Path, names: Path) -> None:
        path = tmp_path / "report.txt"
        path.write_text("Enable ImageVolume")
        shown = run("explain_verdict", path, "--registry", names).out
        assert 'may mean      Enable "ImageVolume" as PREVIEW' in shown
        assert 'may mean      Enable "ImageVolume" as LAUNCHED' in shown

    @pytest.mark.parametrize(
        ("source", "option", "weighs"),
        [
            (None, None, "manual"),
            ("crm_feedback", None, "crm_feedback"),
            (5, None, "manual"),
            ("crm_feedback", "ops_alert", "ops_alert"),
        ],
    )
    def test_source__of_a_report__is_the_option_or_the_reports_own(
        self, tmp_path: Path, names: Path, source: Any, option: str | None, weighs: str
    ) -> None:
        path = written(tmp_path / "r.json", {"subject": "x", "source": source})
        options = ("--source", option) if option else ()
        ran = run("explain_verdict", path, "--registry", names, "--json", *options)
        weight = ran.json()["verdict"]["evidence"]["source_weight"]
        assert weight == float(source_weight(weighs))

    def test_names__without_a_file__are_those_of_the_registry(
        self, users: Users, tmp_path: Path
    ) -> None:
        register_capabilities(documents=[{"name": "Search"}])
        path = tmp_path / "report.txt"
        path.write_text("Turn off Search")
        ran = run("explain_verdict", path, "--json")
        assert ran.json()["verdict"]["affected_capabilities"] == ["Search"]

    def test_text__that_hides_something__is_shown_with_marks(
        self, tmp_path: Path, names: Path
    ) -> None:
        path = tmp_path / "report.txt"
        path.write_text("It is a bug\u202e\x1b[31m \u202e\u202e crash", encoding="utf-8")
        ran = run("explain_verdict", path, "--registry", names)
        assert ran.code == 0
        assert not {"\u202e", "\x1b"} & {*ran.out}

    @pytest.mark.parametrize(
        ("raw", "code"),
        [(b"\xff\xfe", "not_utf8"), (b"{", "malformed_json"), (b'{"a": 1} x', "malformed_json")],
    )
    def test_file__that_is_no_report__is_refused(
        self, tmp_path: Path, names: Path, raw: bytes, code: str
    ) -> None:
        path = tmp_path / "report"
        path.write_bytes(raw)
        ran = run("explain_verdict", path, "--registry", names)
        assert (ran.code, ran.out) == (1, "")
        assert code in ran.err

    @pytest.mark.parametrize("document", [{}, 5, [5], {"capabilities": [{}]}])
    def test_registry_file__of_another_form__is_refused(
        self, tmp_path: Path, document: Any
    ) -> None:
        report = written(tmp_path / "r.json", REPORT)
        path = written(tmp_path / "names.json", document)
        ran = run("explain_verdict", report, "--registry", path)
        assert ran.code == 1
        assert "capabilities" in ran.err


class TestEvaluateValidator:
    def test_figures__of_a_file__are_printed_with_the_mistakes(
        self, tmp_path: Path, names: Path
    ) -> None:
        path = written(tmp_path / "reports.jsonl", LINE, LINE | {"text": "verbatim", "id": "R\x1b"})
        ran = run("evaluate_validator", path, "--registry", names, "--mistakes")
        assert ran.code == 0
        assert "  issue_type: 2 reports, macro F1 0.000, accuracy 0.000" in ran.out
        assert "text: verbatim" in ran.out
        assert "  issue_type: labelled bug_report, found capability_request" in ran.out
        assert "  proposals: 2 of 0 labelled changes, 0 right, 2 wrong" in ran.out
        assert "\x1b" not in ran.out
        assert "R1:" not in run("evaluate_validator", path, "--registry", names).out

    @pytest.mark.parametrize(
        ("line", "field"),
        [
            ({"subject": "x", "body": ""}, "line 1: label"),
            (LINE | {"label": {"affected_capabilities": 5}}, "line 1: label"),
            (LINE | {"label": {"proposed_change": 5}}, "line 1: label"),
            (LINE | {"label": {}}, "line 1: issue_type"),
            (LINE | {"body": None}, "line 1: body"),
        ],
    )
    def test_line__without_its_fields__is_refused_with_the_field(
        self, tmp_path: Path, names: Path, line: Any, field: str
    ) -> None:
        ran = run("evaluate_validator", written(tmp_path / "r.jsonl", line), "--registry", names)
        assert ran.code == 1
        assert field in ran.err

    def test_file__without_a_report__is_refused(self, tmp_path: Path, names: Path) -> None:
        ran = run("evaluate_validator", written(tmp_path / "r.jsonl"), "--registry", names)
        assert (ran.code, ran.out) == (1, "")

    @pytest.mark.skipif(not LABELLED.exists(), reason="the labelled reports are not here")
    def test_labelled_reports__of_real_threads__are_judged_well_enough(self) -> None:
        result = run("evaluate_validator", LABELLED, "--registry", CAPABILITIES, "--json").json()
        assert result["issue_type"]["macro_f1"] >= 0.78
        assert result["severity"]["macro_f1"] >= 0.55
        assert result["capabilities"]["precision"] >= 0.95
        assert result["capabilities"]["recall"] >= 0.85
        assert result["proposals"]["wrong"] <= 1
