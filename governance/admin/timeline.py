"""The timeline of a job's page: each step with its state, its times, and a bar drawn to scale.

Bars use the times that the executor reported. A time outside the job's own is drawn at the edge,
with a remark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.admin.wording import change_in_words, format_duration
from governance.domain.sentences import Sentence
from governance.domain.values import JobStatus, StepStatus
from governance.models import GovernanceJob, StepResult

STATES: Mapping[str, str] = {
    StepStatus.PENDING: "planned",
    StepStatus.RUNNING: "running",
    StepStatus.COMPLETED: "done",
    StepStatus.FAILED: "failed",
    StepStatus.SKIPPED: "skipped",
}
MIN_BAR_WIDTH = 0.6  # per cent, so that a step that took no time is visible


@dataclass(frozen=True, slots=True)
class Bar:
    """A step's start and length in per cent of the job's time, as SVG attributes."""

    left: str
    width: str


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A step in the timeline; `took` and `when` are its duration and its start in words."""

    number: int
    words: Sentence
    status: str
    state: str
    took: str
    when: str
    bar: Bar | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The rows, and the labels below the start, the middle and the end of the scale."""

    rows: Sequence[TimelineRow]
    scale: Sequence[str]


def timeline_of(job: GovernanceJob, steps: Sequence[Mapping[str, Any]], at: datetime) -> Timeline:
    """Return the timeline of consecutive `steps`, as `steps_with_status` returns them."""
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
    """Return the row of a step; one without a report is drawn from `free_at` on."""
    result: StepResult | None = step["result"]
    if result:
        outside = result.started_at < begin or result.completed_at > end
        when = f"began {_offset(result.started_at - begin)}"
        if outside:
            when = "reported with times outside the job's own"
        bar = _bar(result.started_at, result.completed_at, begin, end)
        return _row(step, bar, _exact(result.completed_at - result.started_at), when)
    if step["status"] == StepStatus.RUNNING:
        when = f"began {_offset(free_at - begin)}, not reported yet"
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
    return "at the start" if length < timedelta(seconds=0.05) else f"after {_exact(length)}"


def _exact(length: timedelta) -> str:
    """Format a duration as `format_duration` does, but below an hour with seconds, to compare."""
    seconds = length.total_seconds()
    if 60 <= seconds < 3600 and round(seconds) % 60:
        return f"{round(seconds) // 60} min {round(seconds) % 60} s"
    return format_duration(length).replace(".0 s", " s")
