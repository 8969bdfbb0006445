"""A stream of events as a client reads it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Event:
    """An event as it arrived, its data parsed."""

    id: int
    name: str
    data: dict[str, Any]


class Stream:
    """What comes, piece by piece; whoever waits for what does not come fails, and does not hang."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.beats = 0
        self._lines = answer.iter_lines()

    def event(self) -> Event | None:
        """The next event; None when the stream has ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (block := self._block()) is not None:
            if "data" in block:
                return Event(int(block["id"]), block["event"], json.loads(block["data"]))
            assert time.monotonic() < deadline, "No event came."
        return None

    def events(self, count: int) -> list[Event]:
        """The next `count`."""
        found = [self.event() for _ in range(count)]
        assert None not in found, found
        return [event for event in found if event]

    def rest(self) -> list[Event]:
        """All that come until the stream ends."""
        return list(iter(self.event, None))

    def beat(self) -> None:
        """Wait for a heartbeat; no event may come before it."""
        block = self._block()
        assert block == {"": ""}, block

    def _block(self) -> dict[str, str] | None:
        """The fields up to the next empty line; a comment's name is empty."""
        block: dict[str, str] = {}
        for line in self._lines:
            if not line:
                self.beats += "" in block
                return block
            name, _, value = line.partition(":")
            assert name not in block, line
            block[name] = value.removeprefix(" ")
        assert not block, f"It ended within an event: {block}"
        return None


@contextmanager
def following(client: httpx.Client, job_id: Any, last_id: int | None = None) -> Iterator[Stream]:
    """The stream of the job's events after `last_id`, which is let go at the end."""
    headers = {"Accept": "text/event-stream"}
    if last_id is not None:
        headers["Last-Event-ID"] = str(last_id)
    address = f"jobs/{job_id}/events/"
    with client.stream("GET", address, headers=headers, timeout=PATIENCE_SECONDS) as answer:
        assert answer.status_code == 200, answer.read()
        yield Stream(answer)


def let_go(answer: Any) -> None:
    """Leave a stream that Django's test client holds, as a server does when its client has left.

    `answer.close()` alone would close the test's database as well.
    """
    pieces = answer._iterator
    next(pieces, None)
    pieces.close()
