"""The site's time, as far as its answers tell: leases are counted by the site's clock, not by ours.

A worker whose clock is wrong must neither go on when its lease is over nor drop what it still has.
So what counts is the header `Date` of the last answer and how much time has passed since it was
asked for. That errs on one side only: it is never earlier than it is at the site.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# `Date` drops what is less than a second.
PRECISION = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """A moment by both of this machine's clocks."""

    wall_time: datetime
    monotonic_seconds: float

    @classmethod
    def now(cls) -> ClockReading:
        return cls(datetime.now(UTC), time.monotonic())

    def elapsed(self) -> timedelta:
        """The time since, by the clock that says more.

        One of them stands still while the machine sleeps, the other may be set back.
        """
        now = ClockReading.now()
        return max(
            now.wall_time - self.wall_time,
            timedelta(seconds=now.monotonic_seconds - self.monotonic_seconds),
        )


class SiteClock:
    """What time it is at the site; this machine's own time until the site has told."""

    def __init__(self) -> None:
        self._site_time: datetime | None = None
        self._asked_at = ClockReading.now()

    def observe(self, date: str | None, *, asked: ClockReading) -> None:
        """Take the `Date` of an answer to what was asked at `asked`; ignore what is no date."""
        try:
            received = parsedate_to_datetime(date or "")
        except ValueError:
            return
        if received.tzinfo is not None:
            self._site_time, self._asked_at = received + PRECISION, asked

    def now(self) -> datetime:
        """The latest that it can be at the site."""
        if self._site_time is None:
            return datetime.now(UTC)
        return self._site_time + self._asked_at.elapsed()

    def seconds_until(self, moment: datetime) -> float:
        """How long `moment` is away at least; below 0 when it has passed."""
        return (moment - self.now()).total_seconds()
