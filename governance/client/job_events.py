"""The reader of a job's event streams, which reconnects until the contract ends."""

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

# Twice the default heartbeat interval of a site, which is 15 seconds.
MAX_SILENCE_SECONDS = 30.0

OpenStream = Callable[[dict[str, str]], AbstractContextManager[httpx.Response]]


def stream_entries(
    open_stream: OpenStream,
    *,
    after: int | None,
    retry_policy: RetryPolicy,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[LedgerEntryData]:
    """Yield each entry after `after` (a `seq`) once and in order, until no entry can follow.

    When a stream ends or is cut off, the next one continues after the last entry.

    Args:
        open_stream: opens a stream with the given request headers.

    Raises:
        GovsiteProblem: a refusal that a retry cannot change.
        NoAnswer: nothing was received for the `seconds` of `retry_policy`.
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
            pass  # the connection was lost or silent: the next stream continues after `after`
        if time.monotonic() - last_event_at > retry_policy.seconds:
            raise NoAnswer(f"nothing was received for {retry_policy.seconds:.0f} seconds")
        sleep(pause)


def parse_entries(lines: Iterable[str]) -> Iterator[LedgerEntryData]:
    """Parse the entries of a stream; an incomplete last one is dropped."""
    data = ""
    for line in lines:
        if line.startswith("data:"):
            data = line.removeprefix("data:").strip()
        elif not line and data:
            yield cast(LedgerEntryData, json.loads(data))
            data = ""
