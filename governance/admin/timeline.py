"""A job's steps along its time: what was planned, runs, is done, failed or was skipped, to scale.

Where a bar lies follows from the times that the executor told, held against the job's own: what
lies outside of those is drawn at the edge, and said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.admin.wording import change_in_words, format_duration
from governance.domain.values import JobStatus, StepStatus
from governance.models import GovernanceJob, StepResult

STATES: Mapping[str, str] = {
    StepStatus.PENDING: "planned",
    StepStatus.RUNNING: "running",
    StepStatus.COMPLETED: "done",
    StepStatus.FAILED: "failed",
    StepStatus.SKIPPED: "skipped",
}
MIN_BAR_WIDTH = 0.6  # per cent: what took no time is seen all the same


@dataclass(frozen=True, slots=True)
class Bar:
    """Where a step lies in the job's time, in per cent of it; SVG's own attributes."""

    left: str
    width: str


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A line of the timeline: a step, how it stands, and its numbers in words."""

    number: int
    words: str
    status: str
    state: str
    took: str
    when: str
    bar: Bar | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The lines, and what stands below the start, the middle and the end of the scale."""

    rows: Sequence[TimelineRow]
    scale: Sequence[str]


def timeline_of(job: GovernanceJob, steps: Sequence[Mapping[str, Any]], at: datetime) -> Timeline:
    """The timeline of `steps`, neighbours in order, as `steps_with_status` gives them."""
    if job.started_at is None:
        return Timeline([_row(step, None, "", "") for step in steps], ())
    begin, end = job.started_at, max(job.ended_at or at, job.started_at)
    rows, free_at = [], begin
    for step in steps:
        rows.append(_placed(step, begin, end, free_at))
        if step["result"]:
            free_at = min(max(step["result"].completed_at, begin), end)
    length = end - begin
    last = f"now: {_exact(length)}" if job.status == JobStatus.RUNNING else _exact(length)
    return Timeline(rows, ("0", _exact(length / 2), last))


def _placed(
    step: Mapping[str, Any], begin: datetime, end: datetime, free_at: datetime
) -> TimelineRow:
    """The step's line; one that has not reported began, for all we know, at `free_at`."""
    result: StepResult | None = step["result"]
    if result:
        outside = result.started_at < begin or result.completed_at > end
        when = f"from {_offset(result.started_at - begin)}"
        if outside:
            when = "at times outside the job's, as its executor reported"
        bar = _bar(result.started_at, result.completed_at, begin, end)
        return _row(step, bar, _exact(result.completed_at - result.started_at), when)
    if step["status"] == StepStatus.RUNNING:
        when = f"from {_offset(free_at - begin)}, not reported yet"
        return _row(step, _bar(free_at, end, begin, end), f"{_exact(end - free_at)} so far", when)
    if step["status"] == StepStatus.FAILED:
        return _row(step, _bar(free_at, end, begin, end), "—", "never reported")
    return _row(step, None, "", "")


def _row(step: Mapping[str, Any], bar: Bar | None, took: str, when: str) -> TimelineRow:
    limit = format_duration(timedelta(seconds=step["timeout_seconds"]))
    return TimelineRow(
        number=step["step_index"],
        words=change_in_words(step["change"]),
        status=str(step["status"]),
        state=STATES[step["status"]],
        took=took or ("—" if step["status"] == StepStatus.SKIPPED else f"up to {limit}"),
        when=when,
        bar=bar,
    )


def _bar(started: datetime, completed: datetime, begin: datetime, end: datetime) -> Bar:
    length = max(end - begin, timedelta(microseconds=1))
    left, right = (
        100 * min(max((moment - begin) / length, 0), 1) for moment in (started, completed)
    )
    width = max(right - left, MIN_BAR_WIDTH)
    return Bar(f"{min(left, 100 - width):.2f}%", f"{width:.2f}%")


def _offset(length: timedelta) -> str:
    return "the start" if length < timedelta(seconds=0.05) else f"{_exact(length)} on"


def _exact(length: timedelta) -> str:
    """As `span`, and below an hour to the second: lines are read against each other."""
    seconds = length.total_seconds()
    if 60 <= seconds < 3600 and round(seconds) % 60:
        return f"{round(seconds) // 60} min {round(seconds) % 60} s"
    return format_duration(length).replace(".0 s", " s")
