"""The site's time: neither a wrong clock of ours nor its rounding lets a step begin too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from governance.client.clock import SiteClock, Stamp

HOUR = timedelta(hours=1)


def told(date: datetime | str, *, asked: Stamp | None = None) -> SiteClock:
    clock = SiteClock()
    text = date if isinstance(date, str) else format_datetime(date, usegmt=True)
    clock.hear(text, asked=asked or Stamp.now())
    return clock


@pytest.mark.parametrize("wrong_by", [-HOUR, HOUR])
def test_clock__ours_is_wrong__the_site_counts(wrong_by: timedelta) -> None:
    site = datetime.now(UTC) + wrong_by
    left = told(site).seconds_until(site + timedelta(minutes=6))
    assert 355 < left < 361


def test_clock__what_the_date_drops__counts_against_us() -> None:
    date = datetime(2026, 11, 2, 9, tzinfo=UTC)
    assert told(date).now() >= date + timedelta(seconds=1)


def test_clock__an_answer_that_took_long__counts_from_when_it_was_asked() -> None:
    now = Stamp.now()
    asked = Stamp(now.wall - timedelta(seconds=20), now.steady - 20)
    assert told(now.wall, asked=asked).seconds_until(now.wall + timedelta(seconds=60)) <= 40


@pytest.mark.parametrize(("wall", "steady"), [(30, 0), (0, 30), (-HOUR.seconds, 30)])
def test_clock__one_of_ours_stood_still_or_went_back__the_other_counts(
    wall: float, steady: float
) -> None:
    now = Stamp.now()
    stamp = Stamp(now.wall - timedelta(seconds=wall), now.steady - steady)
    assert timedelta(seconds=30) <= stamp.passed() < timedelta(seconds=40)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 02 Nov 2026 09:00:00"])
def test_clock__no_date_was_told__ours_counts(date: str) -> None:
    assert abs(told(date).now() - datetime.now(UTC)) < timedelta(seconds=10)
