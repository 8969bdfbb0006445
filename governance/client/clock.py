"""The site's clock, estimated from its responses. Leases and steps are timed by it.

An executor with a wrong clock must neither continue after its lease nor drop a job too early. So
the estimate is the header `Date` of the last response plus the time since its request was sent.
The estimate is never behind the site's clock, so a lease never seems longer than it is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# `Date` has whole seconds, so up to one second is missing from it.
PRECISION = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One moment on this machine's wall clock and on its monotonic clock."""

    wall_time: datetime
    monotonic_seconds: float

    @classmethod
    def now(cls) -> ClockReading:
        return cls(datetime.now(UTC), time.monotonic())

    def elapsed(self) -> timedelta:
        """Return the time since this reading, by the clock on which more time has passed.

        The monotonic clock can stop while the machine sleeps; the wall clock can be set back.
        """
        now = ClockReading.now()
        return max(
            now.wall_time - self.wall_time,
            timedelta(seconds=now.monotonic_seconds - self.monotonic_seconds),
        )


class SiteClock:
    """The estimated clock of the site; this machine's clock until the first response."""

    def __init__(self) -> None:
        self._site_time: datetime | None = None
        self._asked_at = ClockReading.now()

    def observe(self, date: str | None, *, asked: ClockReading) -> None:
        """Set the clock by the `Date` of a response whose request was sent at `asked`, if valid."""
        try:
            received = parsedate_to_datetime(date or "")
        except ValueError:
            return
        if received.tzinfo is not None:
            self._site_time, self._asked_at = received + PRECISION, asked

    def now(self) -> datetime:
        """Return the latest time that the site's clock can show."""
        if self._site_time is None:
            return datetime.now(UTC)
        return self._site_time + self._asked_at.elapsed()

    def seconds_until(self, moment: datetime) -> float:
        """Return a lower bound of the seconds until `moment`; negative when it has passed."""
        return (moment - self.now()).total_seconds()
