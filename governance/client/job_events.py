"""Follow a job as it goes on: its ledger entries, through as many streams as it takes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import cast

import httpx

from governance.client.problems import NoAnswer, problem_of
from governance.client.responses import LedgerEntryData
from governance.client.retries import RetryPolicy, retry_after_seconds

# Twice the longest silence of a site with the usual heartbeat of 15 seconds.
MAX_SILENCE_SECONDS = 30.0

OpenStream = Callable[[dict[str, str]], AbstractContextManager[httpx.Response]]


def stream_entries(
    open_stream: OpenStream,
    *,
    after: int | None,
    retry_policy: RetryPolicy,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[LedgerEntryData]:
    """Each entry once, in order, from the one behind `after` (a `seq`) on, until none can follow.

    `open_stream` asks for a stream with the headers given. One that ends or is cut is gone on with
    where it ended. Raises GovsiteProblem for a refusal that does not pass, and NoAnswer when
    nothing was heard for as long as `retry_policy` lasts.
    """
    attempt, last_event_at = 0, time.monotonic()
    while True:
        attempt += 1
        pause = retry_policy.draw_pause(attempt)
        headers = {"Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        try:
            with open_stream(headers) as response:
                if response.status_code == httpx.codes.NO_CONTENT:
                    return
                if response.is_success:
                    attempt, last_event_at = 0, time.monotonic()
                    for entry in parse_entries(response.iter_lines()):
                        last_event_at = time.monotonic()
                        yield entry
                        after = entry["seq"]
                else:
                    response.read()
                    problem = problem_of(response)
                    if not problem.is_retryable:
                        raise problem
                    pause = max(pause, retry_after_seconds(response))
        except httpx.TransportError:
            pass  # cut, or silent for too long: the next stream goes on behind `after`
        if time.monotonic() - last_event_at > retry_policy.seconds:
            raise NoAnswer(f"nothing was heard for {retry_policy.seconds:.0f} seconds")
        sleep(pause)


def parse_entries(lines: Iterable[str]) -> Iterator[LedgerEntryData]:
    """The entries of a stream; one that was cut in its middle is none."""
    data = ""
    for line in lines:
        if line.startswith("data:"):
            data = line.removeprefix("data:").strip()
        elif not line and data:
            yield cast(LedgerEntryData, json.loads(data))
            data = ""
