"""The log of outages: said within two seconds, once, and ended when the site answers again."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest

from governance.client import GovsiteClient, GovsiteProblem, NoAnswer, OutageLog, RetryPolicy
from governance.client import outages as outages_module
from tests.support.sites import free_port

QUICK = RetryPolicy(seconds=3, first_pause=0.05, max_pause=0.2)
IDLE = httpx.Response(204)
REFUSED = httpx.ConnectError("refused")


class TimedLog:
    """The lines of a log, each with the seconds since the log was made."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self.lines: list[tuple[float, str]] = []

    def __call__(self, text: str) -> None:
        self.lines.append((time.monotonic() - self._begun, text))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.lines]


@pytest.fixture
def silent_address() -> Iterator[str]:
    """The address of a server that takes connections and never responds."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def client_of(
    *script: httpx.Response | Exception, log: Callable[[str], None], **options: float
) -> GovsiteClient:
    """Return a client of a network that plays the script; its last entry is repeated."""
    left = list(script)

    def network(request: httpx.Request) -> httpx.Response:
        step = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(step, Exception):
            raise step
        return step

    return GovsiteClient(
        "https://gov.example",
        "t0ken",
        transport=httpx.MockTransport(network),
        retry_policy=RetryPolicy(**({"seconds": 5, "first_pause": 0} | options)),
        outages=OutageLog(log),
    )


def test_site__that_refuses_connections__is_logged_within_two_seconds() -> None:
    log = TimedLog()
    with (
        GovsiteClient(
            f"http://127.0.0.1:{free_port()}", "t0ken", retry_policy=QUICK, outages=OutageLog(log)
        ) as client,
        pytest.raises(NoAnswer),
    ):
        client.claim()
    [(after, text)] = log.lines
    assert after < 2
    assert text.startswith("127.0.0.1 does not answer, and is asked again: ConnectError: ")


def test_site__that_never_responds__is_logged_within_two_seconds(silent_address: str) -> None:
    log = TimedLog()
    with (
        GovsiteClient(
            silent_address, "t0ken", retry_policy=QUICK, outages=OutageLog(log)
        ) as client,
        pytest.raises(NoAnswer),
    ):
        client.claim()
    [(after, text)] = log.lines
    assert after < 2
    assert text == ("127.0.0.1 does not answer, and is asked again: the response is not there yet")


def test_outage__that_ends__is_logged_once_and_its_end_once() -> None:
    log = TimedLog()
    client = client_of(REFUSED, REFUSED, REFUSED, IDLE, log=log)
    assert client.claim() is None
    assert client.claim() is None
    assert log.texts == [
        "gov.example does not answer, and is asked again: ConnectError: refused",
        "gov.example answers again",
    ]


def test_outage__a_later_one__is_logged_again() -> None:
    log = TimedLog()
    script = [REFUSED, REFUSED, IDLE]
    client = client_of(*script, *script, log=log)
    assert [client.claim(), client.claim()] == [None, None]
    assert len(log.texts) == 4


def test_outage__over_several_calls__is_logged_once() -> None:
    log = TimedLog()
    client = client_of(REFUSED, log=log, seconds=0.2, first_pause=0.01)
    for _ in range(3):
        with pytest.raises(NoAnswer):
            client.claim()
    assert len(log.texts) == 1


def test_attempt__that_fails_once__is_not_logged() -> None:
    log = TimedLog()
    assert client_of(REFUSED, IDLE, log=log).claim() is None
    assert log.texts == []


def test_refusal__is_an_answer() -> None:
    log = TimedLog()
    refusal = httpx.Response(403, json={"code": "permission_denied", "detail": "No."})
    client = client_of(REFUSED, REFUSED, refusal, log=log)
    with pytest.raises(GovsiteProblem):
        client.claim()
    assert log.texts[1:] == ["gov.example answers again"]


def test_temporary_error__at_the_end_of_the_time__is_no_answer() -> None:
    log = TimedLog()
    busy = httpx.Response(503, json={"code": "busy", "detail": "Busy."})
    client = client_of(busy, log=log, seconds=0.2, first_pause=0.01)
    with pytest.raises(GovsiteProblem):
        client.claim()
    assert log.texts == ["gov.example does not answer, and is asked again: Busy. (busy)"]


def test_outage__of_several_connections__is_logged_once(silent_address: str) -> None:
    log = TimedLog()
    outages = OutageLog(log)

    def claim() -> None:
        policy = RetryPolicy(seconds=1.5)
        with (
            GovsiteClient(silent_address, "t0ken", retry_policy=policy, outages=outages) as client,
            pytest.raises(NoAnswer),
        ):
            client.claim()

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.texts) == 1


def test_silence__is_short_enough_for_a_command_that_has_to_start() -> None:
    assert outages_module.SILENCE_SECONDS <= 1
