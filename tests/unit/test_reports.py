"""Validation of step reports, which precedes any lock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance.authorities.orchestrator.step_reports import (
    MAX_ERROR_LENGTH,
    require_report,
    require_reports,
    same_report,
)
from governance.domain.errors import InvalidInputError
from governance.domain.values import StepReport, StepStatus

NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


def report(**fields: Any) -> StepReport:
    return StepReport(
        **{
            "step_index": 0,
            "status": StepStatus.COMPLETED,
            "started_at": NOON,
            "completed_at": NOON,
            "output": None,
            "error": "",
        }
        | fields
    )


def failed(error: str) -> dict[str, Any]:
    return {"status": StepStatus.FAILED, "error": error}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        failed("x"),
        failed("x" * MAX_ERROR_LENGTH),
        {"step_index": 2**31 - 1},
        {"completed_at": NOON + timedelta(days=400)},
        {"output": {"deep": [1, None]}, "health_after": {"system": "HEALTHY"}},
    ],
)
def test_report__in_order__passes(fields: dict[str, Any]) -> None:
    require_report(report(**fields))


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("step_index", {"step_index": True}),
        ("step_index", {"step_index": "0"}),
        ("step_index", {"step_index": 0.0}),
        ("step_index", {"step_index": -1}),
        ("step_index", {"step_index": 2**31}),
        ("status", {"status": StepStatus.SKIPPED}),
        ("status", {"status": StepStatus.RUNNING}),
        ("started_at", {"started_at": NOON.replace(tzinfo=None)}),
        ("completed_at", {"completed_at": NOON.replace(tzinfo=None)}),
        ("completed_at", {"completed_at": NOON - timedelta(microseconds=1)}),
        ("error", failed("")),
        ("error", failed(" \n")),
        ("error", failed("x" * (MAX_ERROR_LENGTH + 1))),
        ("error", failed("x\x00")),
        ("error", {"error": "It completed, but."}),
        ("output.a", {"output": {"a": "\x00"}}),
        ("health_after", {"health_after": float("nan")}),
    ],
)
def test_report__out_of_order__refused_with_the_field(path: str, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        require_report(report(**fields))
    assert [fault["path"] for fault in refusal.value.errors] == [path]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"output": 1}, {"output": 1.0}, True),
        ({"output": {"a": 1, "b": 2}}, {"output": {"b": 2, "a": 1}}, True),
        ({"output": 1}, {"output": True}, False),
        ({"output": None}, {"output": {}}, False),
        ({"completed_at": NOON}, {"completed_at": NOON + timedelta(microseconds=1)}, False),
    ],
)
def test_reports__sent_twice__same_as_json_is(
    one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    assert same_report(report(**one), report(**other)) is same


@pytest.mark.parametrize("count", [0, 201])
def test_reports__none_or_too_many__are_refused(count: int) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        require_reports([report()] * count)
    assert [fault["path"] for fault in refusal.value.errors] == ["results"]


def test_reports__of_which_one_is_invalid__name_its_index() -> None:
    with pytest.raises(InvalidInputError) as refusal:
        require_reports([report(), report(step_index=-1)])
    assert [fault["path"] for fault in refusal.value.errors] == ["results[1].step_index"]
