"""The times of a step report are the executor's, and lie between the job's start and now."""

from __future__ import annotations

from datetime import timedelta

import pytest

from governance.domain.errors import InvalidInputError
from governance.domain.values import MAX_CLOCK_SKEW
from tests.support.clock import as_of
from tests.support.factories import reloaded, running_job
from tests.support.users import Users

pytestmark = pytest.mark.django_db

MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("began", "ended", "path"),
    [
        (-MAX_CLOCK_SKEW - MOMENT, timedelta(), "started_at"),
        (timedelta(), MAX_CLOCK_SKEW + MOMENT, "completed_at"),
        (timedelta(hours=1), timedelta(hours=2), "completed_at"),
    ],
)
def test_report__of_a_time_outside_the_job__refused(
    users: Users, began: timedelta, ended: timedelta, path: str
) -> None:
    running = running_job(users)
    start = reloaded(running.job).started_at
    report = running.report(0, started_at=start + began, completed_at=start + ended)
    with pytest.raises(InvalidInputError) as refusal:
        as_of(start, running.record, report)
    assert [error["path"] for error in refusal.value.errors] == [path]
    assert reloaded(running.job).current_step_index == 0


def test_report__by_a_clock_that_differs_a_little__recorded(users: Users) -> None:
    running = running_job(users)
    start = reloaded(running.job).started_at
    report = running.report(
        0, started_at=start - MAX_CLOCK_SKEW, completed_at=start + MAX_CLOCK_SKEW
    )
    result, is_new = as_of(start, running.record, report)
    assert is_new
    assert (result.started_at, result.recorded_at) == (start - MAX_CLOCK_SKEW, start)
