"""A client of the event streams (server-sent events)."""

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
    """One event of a stream, with its data parsed."""

    id: int
    name: str
    data: dict[str, Any]


class Stream:
    """The reader of one stream, which fails after 20 seconds without an event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.beats = 0
        self._lines = answer.iter_lines()

    def event(self) -> Event | None:
        """Return the next event, or None if the stream ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (block := self._block()) is not None:
            if "data" in block:
                return Event(int(block["id"]), block["event"], json.loads(block["data"]))
            assert time.monotonic() < deadline, "No event came."
        return None

    def events(self, count: int) -> list[Event]:
        """Return the next `count` events."""
        found = [self.event() for _ in range(count)]
        assert None not in found, found
        return [event for event in found if event]

    def rest(self) -> list[Event]:
        """Return all events until the stream ends."""
        return list(iter(self.event, None))

    def beat(self) -> None:
        """Wait for a heartbeat; no event may come before it."""
        block = self._block()
        assert block == {"": ""}, block

    def _block(self) -> dict[str, str] | None:
        """Return the fields up to the next empty line; a comment has an empty name."""
        block: dict[str, str] = {}
        for line in self._lines:
            if not line:
                self.beats += "" in block
                return block
            name, _, value = line.partition(":")
            assert name not in block, line
            block[name] = value.removeprefix(" ")
        assert not block, f"The stream ended within an event: {block}"
        return None


@contextmanager
def following(client: httpx.Client, job_id: Any, last_id: int | None = None) -> Iterator[Stream]:
    """Open the stream of the job's events after `last_id`, and close it after the block."""
    headers = {"Accept": "text/event-stream"}
    if last_id is not None:
        headers["Last-Event-ID"] = str(last_id)
    address = f"jobs/{job_id}/events/"
    with client.stream("GET", address, headers=headers, timeout=PATIENCE_SECONDS) as answer:
        assert answer.status_code == 200, answer.read()
        yield Stream(answer)


def let_go(answer: Any) -> None:
    """Close a stream that Django's test client holds, as a server does when the client is gone.

    `answer.close()` would also close the test's database connection.
    """
    pieces = answer._iterator
    next(pieces, None)
    pieces.close()
