"""Follow a job as it goes on: its ledger entries, through as many streams as it takes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import cast

import httpx

from governance.client.answers import LedgerEntry
from governance.client.problems import NoAnswer, problem_of
from governance.client.retries import Patience, asked_pause

# Twice the longest silence of a site with the usual heartbeat of 15 seconds.
LONGEST_SILENCE = 30.0

Open = Callable[[dict[str, str]], AbstractContextManager[httpx.Response]]


def followed(
    open_stream: Open,
    *,
    after: int | None,
    patience: Patience,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[LedgerEntry]:
    """Each entry once, in order, from the one behind `after` (a `seq`) on, until none can follow.

    `open_stream` asks for a stream with the headers given. One that ends or is cut is gone on with
    where it ended. Raises GovsiteProblem for a refusal that does not pass, and NoAnswer when
    nothing was heard for as long as `patience` lasts.
    """
    attempt, heard_at = 0, time.monotonic()
    while True:
        attempt += 1
        pause = patience.draw_pause(attempt)
        headers = {"Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        try:
            with open_stream(headers) as response:
                if response.status_code == httpx.codes.NO_CONTENT:
                    return
                if response.is_success:
                    attempt, heard_at = 0, time.monotonic()
                    for entry in entries_in(response.iter_lines()):
                        heard_at = time.monotonic()
                        yield entry
                        after = entry["seq"]
                else:
                    response.read()
                    problem = problem_of(response)
                    if not problem.passes:
                        raise problem
                    pause = max(pause, asked_pause(response))
        except httpx.TransportError:
            pass  # cut, or silent for too long: the next stream goes on behind `after`
        if time.monotonic() - heard_at > patience.seconds:
            raise NoAnswer(f"nothing was heard for {patience.seconds:.0f} seconds")
        sleep(pause)


def entries_in(lines: Iterable[str]) -> Iterator[LedgerEntry]:
    """The entries of a stream; one that was cut in its middle is none."""
    data = ""
    for line in lines:
        if line.startswith("data:"):
            data = line.removeprefix("data:").strip()
        elif not line and data:
            yield cast(LedgerEntry, json.loads(data))
            data = ""
