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
class Stamp:
    """A moment by both of this machine's clocks."""

    wall: datetime
    steady: float

    @classmethod
    def now(cls) -> Stamp:
        return cls(datetime.now(UTC), time.monotonic())

    def passed(self) -> timedelta:
        """The time since, by the clock that says more.

        One of them stands still while the machine sleeps, the other may be set back.
        """
        now = Stamp.now()
        return max(now.wall - self.wall, timedelta(seconds=now.steady - self.steady))


class SiteClock:
    """What time it is at the site; this machine's own time until the site has told."""

    def __init__(self) -> None:
        self._told: datetime | None = None
        self._asked = Stamp.now()

    def hear(self, date: str | None, *, asked: Stamp) -> None:
        """Take the `Date` of an answer to what was asked at `asked`; ignore what is no date."""
        try:
            told = parsedate_to_datetime(date or "")
        except ValueError:
            return
        if told.tzinfo is not None:
            self._told, self._asked = told + PRECISION, asked

    def now(self) -> datetime:
        """The latest that it can be at the site."""
        if self._told is None:
            return datetime.now(UTC)
        return self._told + self._asked.passed()

    def seconds_until(self, moment: datetime) -> float:
        """How long `moment` is away at least; below 0 when it has passed."""
        return (moment - self.now()).total_seconds()
