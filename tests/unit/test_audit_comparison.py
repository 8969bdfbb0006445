"""The values of a job side by side, and the checks of a verdict as rows."""

from __future__ import annotations

from typing import Any

from governance.authorities.audit.check_rows import check_rows, counted_checks
from governance.authorities.audit.comparison import (
    ComparedValue,
    values_of_each_step,
    values_of_job,
)
from governance.authorities.audit.judgement import judge_evidence
from governance.authorities.audit.sealed_job import SealedJob
from tests.support.evidence import SEARCH_BEFORE, evidence_of, observation, result

HONEST = evidence_of()
AFTER = HONEST["observations"]["after"][0]["state"]
RESIZED_TWICE: list[dict[str, Any]] = [
    {
        "type": "configuration_update",
        "scope": "Search",
        "key": "page_size",
        "old_value": old,
        "new_value": new,
    }
    for old, new in ((20, 50), (50, 80))
]


def with_after(state: Any, **fields: Any) -> dict[str, Any]:
    observations = HONEST["observations"] | {"after": [observation("Search", state)]}
    return evidence_of(observations=observations, **fields)


def step_values(document: dict[str, Any]) -> list[ComparedValue]:
    return [value for each in values_of_each_step(SealedJob(document)).values() for value in each]


def configured(**configuration: Any) -> dict[str, Any]:
    return AFTER | {"configuration": AFTER["configuration"] | configuration}


class TestValuesOfEachStep:
    def test_honest_job__has_the_planned_values_after_it(self) -> None:
        assert [(v.name, v.planned, v.before, v.after, v.differs) for v in step_values(HONEST)] == [
            ("lifecycle", '"PREVIEW"', '"DISABLED"', '"PREVIEW"', False),
            ("page_size", "50", "20", "50", False),
            ("timeout_seconds", "2.5", "1.5", "2.5", False),
        ]

    def test_other_value_after__differs(self) -> None:
        _, size, _ = step_values(with_after(configured(page_size=51)))
        assert (size.after, size.after_differs, size.report_differs) == ("51", True, False)

    def test_true_is_not_one(self) -> None:
        change = RESIZED_TWICE[0] | {"new_value": 1}
        document = evidence_of([change])
        document["observations"]["after"] = [observation("Search", configured(page_size=True))]
        [size] = step_values(document)
        assert (size.planned, size.after, size.differs) == ("1", "true", True)

    def test_report_of_another_value__differs(self) -> None:
        results = [result(0), result(1, output={"state_after": {"page_size": 49}}), result(2)]
        _, size, _ = step_values(evidence_of(step_results=results))
        assert (size.reported, size.report_differs, size.after_differs) == ("49", True, False)
        assert size.differs

    def test_report_of_any_text__is_no_value(self) -> None:
        results = [result(index, output="done") for index in range(3)]
        assert {v.reported for v in step_values(evidence_of(step_results=results))} == {None}

    def test_value_set_twice__is_compared_after_the_last_step_that_sets_it(self) -> None:
        first, last = step_values(evidence_of(RESIZED_TWICE))
        assert (first.planned, first.after) == ("50", None)
        assert (last.planned, last.after, last.differs) == ("80", "80", False)

    def test_observed_after_the_step__is_shown_rather_than_the_end(self) -> None:
        document = evidence_of(RESIZED_TWICE)
        state = configured(page_size=50)
        document["observations"]["steps"] = [observation("Search", state, step_index=0)]
        first, _ = step_values(document)
        assert (first.after, first.differs) == ("50", False)

    def test_unobserved__is_none_and_differs_from_nothing(self) -> None:
        document = evidence_of(observations={"before": None, "steps": [], "after": None})
        assert {(v.before, v.after, v.differs, v.is_known) for v in step_values(document)} == {
            (None, None, False, False)
        }

    def test_step_that_did_not_complete__differs_from_nothing(self) -> None:
        document = with_after(SEARCH_BEFORE)
        for step in document["steps"]:
            step["status"] = "SKIPPED"
        assert not [value for value in step_values(document) if value.differs]

    def test_indexes__choose_the_steps(self) -> None:
        chosen = values_of_each_step(SealedJob(HONEST), [1, 7])
        assert [(index, [v.key for v in each]) for index, each in chosen.items()] == [
            (1, ["page_size"])
        ]


class TestValuesOfJob:
    def test_honest_job__has_what_the_steps_set_together(self) -> None:
        values = values_of_job(SealedJob(evidence_of(RESIZED_TWICE)))
        assert [v.as_record() for v in values] == [
            {
                "scope": "Search",
                "name": "page_size",
                "planned": "80",
                "reported": None,
                "before": "20",
                "after": "80",
                "differs": False,
            }
        ]

    def test_value_that_no_step_sets__comes_first(self) -> None:
        first, *others = values_of_job(SealedJob(with_after(configured(theme="light"))))
        assert (first.name, first.planned, first.after) == ("theme", None, '"light"')
        assert [value.differs for value in (first, *others)] == [True, False, False, False]

    def test_job_without_a_completed_step__shows_what_all_steps_set(self) -> None:
        document = with_after(SEARCH_BEFORE)
        for step in document["steps"]:
            step["status"] = "SKIPPED"
        values = values_of_job(SealedJob(document))
        assert [(v.name, v.planned, v.after, v.differs) for v in values] == [
            ("lifecycle", '"PREVIEW"', '"DISABLED"', False),
            ("page_size", "50", "20", False),
            ("timeout_seconds", "2.5", "1.5", False),
        ]

    def test_unobserved__shows_only_what_was_planned(self) -> None:
        document = evidence_of(observations=None)
        values = values_of_job(SealedJob(document))
        assert [(v.planned, v.before, v.after, v.differs) for v in values] == [
            ('"PREVIEW"', None, None, False),
            ("50", None, None, False),
            ("2.5", None, None, False),
        ]


class TestCheckRows:
    def test_checks_of_our_auditor__come_failed_first_and_passed_last(self) -> None:
        document = with_after(configured(page_size=51), signals=None)
        rows = check_rows(judge_evidence(document).checks_as_documents())
        assert [(row.check_id, row.outcome) for row in rows[:2]] == [
            ("A-003", "FAIL"),
            ("A-006", "INCONCLUSIVE"),
        ]
        assert rows[0].title == "Was exactly the plan carried out?"
        assert [row.has_passed for row in rows] == [False, False] + [True] * 5
        assert counted_checks(rows) == "7 checks: 1 failed, 1 could not tell, 5 passed"

    def test_checks_of_another_auditor__are_read_as_far_as_they_say(self) -> None:
        written = [
            {"check": "X", "verdict": "pass", "reason": "Looked."},
            {"name": "y", "outcome": "SO-SO"},
            {"ok": True},
            "no object",
        ]
        rows = check_rows(written)
        assert [(row.title, row.outcome) for row in rows] == [
            ("y", "SO-SO"),
            ("A check without a name", ""),
            ("X", "PASS"),
        ]
        assert counted_checks(rows) == "3 checks: 1 passed"

    def test_counts__are_in_words(self) -> None:
        rows = check_rows(judge_evidence(HONEST).checks_as_documents())
        assert counted_checks(rows) == "All 7 checks passed"
        assert counted_checks(rows[:1]) == "The check passed"
        assert counted_checks([]) == "0 checks"
        assert counted_checks(check_rows([{"ok": True}])) == "1 check"
