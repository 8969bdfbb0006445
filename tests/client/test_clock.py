"""The client's estimate of the site's time: the latest that the site's clock can show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from governance.client.clock import ClockReading, SiteClock

HOUR = timedelta(hours=1)


def clock_observing(date: datetime | str, *, asked: ClockReading | None = None) -> SiteClock:
    clock = SiteClock()
    text = date if isinstance(date, str) else format_datetime(date, usegmt=True)
    clock.observe(text, asked=asked or ClockReading.now())
    return clock


@pytest.mark.parametrize("wrong_by", [-HOUR, HOUR])
def test_clock__ours_is_wrong__the_site_counts(wrong_by: timedelta) -> None:
    site = datetime.now(UTC) + wrong_by
    left = clock_observing(site).seconds_until(site + timedelta(minutes=6))
    assert 355 < left < 361


def test_clock__what_the_date_drops__counts_against_us() -> None:
    date = datetime(2026, 11, 2, 9, tzinfo=UTC)
    assert clock_observing(date).now() >= date + timedelta(seconds=1)


def test_clock__an_answer_that_took_long__counts_from_when_it_was_asked() -> None:
    now = ClockReading.now()
    asked = ClockReading(now.wall_time - timedelta(seconds=20), now.monotonic_seconds - 20)
    assert (
        clock_observing(now.wall_time, asked=asked).seconds_until(
            now.wall_time + timedelta(seconds=60)
        )
        <= 40
    )


@pytest.mark.parametrize(
    ("wall_time", "monotonic_seconds"), [(30, 0), (0, 30), (-HOUR.seconds, 30)]
)
def test_clock__one_of_ours_stopped_or_went_back__the_other_counts(
    wall_time: float, monotonic_seconds: float
) -> None:
    now = ClockReading.now()
    stamp = ClockReading(
        now.wall_time - timedelta(seconds=wall_time), now.monotonic_seconds - monotonic_seconds
    )
    assert timedelta(seconds=30) <= stamp.elapsed() < timedelta(seconds=40)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 02 Nov 2026 09:00:00"])
def test_clock__no_date_received__ours_counts(date: str) -> None:
    assert abs(clock_observing(date).now() - datetime.now(UTC)) < timedelta(seconds=10)
