"""The timeline of a job's steps: positions of the bars, and their labels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance.admin.timeline import timeline_of
from governance.domain.values import JobStatus, StepStatus
from governance.models import GovernanceJob, StepResult

NINE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
CHANGE = {"type": "parameter_change", "scope": "Search", "parameters": {"n": 1}}


def after(seconds: float) -> datetime:
    return NINE + timedelta(seconds=seconds)


def job(status: JobStatus, *, ended: float | None = None) -> GovernanceJob:
    return GovernanceJob(
        status=status,
        total_steps=3,
        started_at=NINE,
        ended_at=None if ended is None else after(ended),
    )


def step(number: int, status: StepStatus, *ran: float) -> dict[str, Any]:
    result = None
    if ran:
        result = StepResult(started_at=after(ran[0]), completed_at=after(ran[1]))
    return {
        "step_index": number,
        "status": status,
        "change": CHANGE,
        "timeout_seconds": 300,
        "result": result,
    }


def bars(*args: Any) -> list[tuple[float, float] | None]:
    return [
        (float(m.bar.left[:-1]), float(m.bar.width[:-1])) if m.bar else None
        for m in timeline_of(*args).rows
    ]


def test_steps_of_an_ended_job__lie_to_scale_in_its_time() -> None:
    done = StepStatus.COMPLETED
    steps = [step(0, done, 0, 10), step(1, done, 10, 30), step(2, done, 35, 40)]
    assert bars(job(JobStatus.COMPLETED, ended=40), steps, after(999)) == [
        (0, 25),
        (25, 50),
        (87.5, 12.5),
    ]
    timeline = timeline_of(job(JobStatus.COMPLETED, ended=40), steps, after(999))
    assert [(m.state, m.took, m.when) for m in timeline.rows] == [
        ("done", "10 s", "began at the start"),
        ("done", "20 s", "began after 10 s"),
        ("done", "5 s", "began after 35 s"),
    ]
    assert timeline.scale == ("0", "20 s", "40 s")


def test_running_step__goes_from_the_last_report_until_now() -> None:
    steps = [
        step(0, StepStatus.COMPLETED, 0, 10),
        step(1, StepStatus.RUNNING),
        step(2, StepStatus.PENDING),
    ]
    assert bars(job(JobStatus.RUNNING), steps, after(20)) == [(0, 50), (50, 50), None]
    timeline = timeline_of(job(JobStatus.RUNNING), steps, after(20))
    assert timeline.rows[1].took == "10 s so far"
    assert (timeline.rows[2].state, timeline.rows[2].took) == ("planned", "up to 5 min")
    assert timeline.scale[-1] == "now: 20 s"


def test_failed_job__shows_the_step_that_never_reported_and_what_was_skipped() -> None:
    steps = [
        step(0, StepStatus.COMPLETED, 0, 10),
        step(1, StepStatus.FAILED),
        step(2, StepStatus.SKIPPED),
    ]
    timeline = timeline_of(job(JobStatus.FAILED, ended=40), steps, after(999))
    assert bars(job(JobStatus.FAILED, ended=40), steps, after(999)) == [(0, 25), (25, 75), None]
    assert [m.state for m in timeline.rows] == ["done", "failed", "skipped"]
    assert timeline.rows[1].when == "never reported"


def test_job_that_never_started__is_drawn_without_a_scale() -> None:
    waiting = GovernanceJob(status=JobStatus.PENDING, total_steps=1)
    timeline = timeline_of(waiting, [step(0, StepStatus.PENDING)], NINE)
    assert timeline.scale == ()
    assert timeline.rows[0].bar is None


@pytest.mark.parametrize(
    "ran",
    [
        (-1e9, -1e9),
        (-1e9, 1e10),
        (1e10, 1e10),
        (39.9999, 40),
        (0, 0),
    ],
)
def test_times_reported_by_an_executor__whatever_they_are__stay_on_the_page(
    ran: tuple[float, float],
) -> None:
    steps = [step(0, StepStatus.COMPLETED, *ran), step(1, StepStatus.RUNNING)]
    for status, ended in ((JobStatus.COMPLETED, 40.0), (JobStatus.COMPLETED, 0.0)):
        for left, width in filter(None, bars(job(status, ended=ended), steps, after(50))):
            assert 0 <= left <= left + width <= 100.01
            assert width > 0


def test_times_outside_the_jobs__are_marked() -> None:
    steps = [step(0, StepStatus.COMPLETED, -90, 10)]
    (moment,) = timeline_of(job(JobStatus.COMPLETED, ended=40), steps, after(50)).rows
    assert "outside the job's" in moment.when
    assert moment.took == "1 min 40 s"
