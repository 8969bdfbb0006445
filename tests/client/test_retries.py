"""Retries of calls against a simulated network, as a real site cannot be made to fail so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from governance.client import GovsiteClient, GovsiteProblem, JobLost, NoAnswer, RetryPolicy, retries
from tests.support.sites import free_port

SITE = "https://gov.example"
JOB = {"id": "j", "status": "COMPLETED", "end_reason": "Every step completed."}
ScriptedAnswer = httpx.Response | Exception


class FakeTime:
    """A clock that only `sleep` advances."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.passed += seconds


class Network:
    """A transport that returns the responses of `script`, repeats the last, records requests."""

    def __init__(self, *script: ScriptedAnswer) -> None:
        self.script = list(script)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        return step

    def client(self, **options: Any) -> GovsiteClient:
        return GovsiteClient(
            SITE, "t0ken", transport=httpx.MockTransport(self), **({"sleep": no_sleep} | options)
        )


def no_sleep(_: float) -> None:
    """Replace the pause between retries, which these tests do not check."""


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    time = FakeTime()
    monkeypatch.setattr(retries, "time", time)
    return time


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    document = {"status": status, "code": code, "detail": "No.", "details": {"a": 1}}
    return httpx.Response(status, json=document, headers=headers)


def started(**fields: Any) -> httpx.Response:
    return httpx.Response(200, json={"id": "j", "execution_token": "x"} | fields)


TROUBLES: Iterable[ScriptedAnswer] = (
    httpx.ConnectError("refused"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
    httpx.ReadTimeout("nothing came"),
    httpx.Response(200, text='{"id": "j", "execu'),
    httpx.Response(502, text="<html>Bad gateway</html>"),
    problem(503, "busy"),
    httpx.Response(504),
    problem(429, "throttled"),
    problem(409, "request_in_progress"),
)


@pytest.mark.parametrize("trouble", TROUBLES, ids=repr)
def test_call__with_a_temporary_error__is_retried_with_its_key(trouble: ScriptedAnswer) -> None:
    network = Network(trouble, trouble, started())
    claimed = network.client().claim()
    assert claimed is not None
    assert claimed["execution_token"] == "x"
    keys = [request.headers["Idempotency-Key"] for request in network.asked]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert len({request.content for request in network.asked}) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_input"),
        (401, "not_authenticated"),
        (403, "not_permitted"),
        (404, "not_found"),
        (409, "contract_not_approved"),
        (412, "precondition_failed"),
        (422, "idempotency_key_reused"),
        (500, "internal_error"),
    ],
)
def test_call__refused__is_not_made_again(status: int, code: str) -> None:
    network = Network(problem(status, code))
    with pytest.raises(GovsiteProblem) as refusal:
        network.client().claim()
    assert len(network.asked) == 1
    assert (refusal.value.status, refusal.value.code) == (status, code)
    assert refusal.value.details == {"a": 1}


def test_calls__two__have_two_keys_and_reading_has_none() -> None:
    network = Network(started())
    client = network.client()
    client.claim()
    client.start("j")
    client.job("j")
    keys = [request.headers.get("Idempotency-Key") for request in network.asked]
    assert keys[0] != keys[1]
    assert keys[2] is None


def test_call__retry_after__is_waited_for(time: FakeTime) -> None:
    network = Network(problem(429, "throttled", **{"Retry-After": "7"}), started())
    network.client(sleep=time.sleep).claim()
    assert time.pauses == [7]


def test_call__retry_after_a_date__is_waited_for(time: FakeTime) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    network = Network(problem(503, "busy", **{"Retry-After": date}), started())
    network.client(sleep=time.sleep).claim()
    assert 15 < time.pauses[0] <= 20


@pytest.mark.parametrize("text", ["soon", "-5", "Mon, 99 Foo 2026", "²", "1 Jan 2026 00:00:00"])
def test_call__retry_after_that_says_nothing__is_ignored(time: FakeTime, text: str) -> None:
    trouble = httpx.Response(503, headers=[(b"Retry-After", text.encode())])
    network = Network(trouble, started())
    network.client(sleep=time.sleep).claim()
    assert time.pauses[0] <= 0.1


def test_call__retry_after_beyond_its_time__gives_up_at_once(time: FakeTime) -> None:
    network = Network(problem(429, "throttled", **{"Retry-After": "3600"}))
    with pytest.raises(GovsiteProblem) as refusal:
        network.client(sleep=time.sleep).claim()
    assert (refusal.value.code, refusal.value.is_retryable) == ("throttled", True)
    assert (len(network.asked), time.pauses) == (1, [])


def test_call__never_answered__gives_up_when_its_time_is_over(time: FakeTime) -> None:
    network = Network(httpx.ConnectError("refused"))
    with pytest.raises(NoAnswer, match=r"after \d+ attempts: ConnectError: refused"):
        network.client(retry_policy=RetryPolicy(seconds=40), sleep=time.sleep).claim()
    assert 20 < time.passed <= 40
    assert len(network.asked) == len(time.pauses) + 1


def test_report__never_answered__is_not_tried_beyond_the_lease(time: FakeTime) -> None:
    network = Network(httpx.ReadError("reset"))
    with pytest.raises(NoAnswer):
        network.client(sleep=time.sleep).complete("j", token="x", within=5)
    assert time.passed < 5


@pytest.mark.parametrize("left", [0, -30])
def test_report__after_the_lease__is_tried_once(time: FakeTime, left: float) -> None:
    network = Network(httpx.ReadError("reset"))
    with pytest.raises(NoAnswer):
        network.client(sleep=time.sleep).complete("j", token="x", within=left)
    assert (len(network.asked), time.passed) == (1, 0)


def test_pauses__grow_to_a_limit_and_are_drawn_by_lot() -> None:
    retry_policy = RetryPolicy(first_pause=1, max_pause=8)
    drawn = [
        [retry_policy.draw_pause(attempt) for _ in range(200)] for attempt in (1, 2, 3, 4, 5, 999)
    ]
    for pauses, limit in zip(drawn, (1, 2, 4, 8, 8, 8), strict=True):
        assert 0 <= min(pauses) < limit / 4
        assert limit * 3 / 4 < max(pauses) <= limit


def test_site__that_is_not_there__is_no_answer() -> None:
    with (
        GovsiteClient(
            f"http://127.0.0.1:{free_port()}", "t0ken", retry_policy=RetryPolicy(seconds=0)
        ) as client,
        pytest.raises(NoAnswer, match="ConnectError"),
    ):
        client.freeze_state()


# --- sites without idempotency keys ---
def test_complete__its_response_was_lost__reads_the_job() -> None:
    network = Network(
        httpx.ReadError("reset"), problem(409, "job_immutable"), httpx.Response(200, json=JOB)
    )
    assert network.client().complete("j", token="x") == JOB
    assert [request.method for request in network.asked] == ["POST", "POST", "GET"]


def test_complete__of_a_job_that_another_ended__is_lost() -> None:
    network = Network(problem(409, "job_immutable"))
    with pytest.raises(JobLost):
        network.client().complete("j", token="x")
    assert [request.method for request in network.asked] == ["POST"]


# --- untrusted responses ---
def test_pages__that_lead_elsewhere__are_asked_of_our_site() -> None:
    first = {"next": "https://evil.example/steal?cursor=abc&page_size=200", "results": [1]}
    network = Network(
        httpx.Response(200, json=first), httpx.Response(200, json={"next": None, "results": [2]})
    )
    assert list(network.client().steps("j")) == [1, 2]
    assert [str(request.url) for request in network.asked] == [
        f"{SITE}/api/v1/jobs/j/steps/?page_size=200",
        f"{SITE}/api/v1/jobs/j/steps/?page_size=200&cursor=abc",
    ]


def test_redirect__is_reported_and_not_followed() -> None:
    network = Network(httpx.Response(301, headers={"Location": "https://evil.example/"}))
    with pytest.raises(GovsiteProblem, match=r"301 .* to https://evil\.example/") as refusal:
        network.client().claim()
    assert refusal.value.code == "unexpected_answer"
    assert len(network.asked) == 1


@pytest.mark.parametrize("body", ["", "[]", "null", '{"code": 7}', "<html>", '{"code": null}'])
def test_refusal__that_is_no_problem_document__has_a_code_all_the_same(body: str) -> None:
    with pytest.raises(GovsiteProblem) as refusal:
        Network(httpx.Response(400, text=body)).client().claim()
    assert (refusal.value.status, refusal.value.code) == (400, "unexpected_answer")


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "ключ", "nul\x00"])
def test_token__that_no_header_carries__is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ValueError, match="a token is one word") as refusal:
        GovsiteClient(SITE, token)
    assert not token or token not in str(refusal.value)


@pytest.mark.parametrize("url", ["", "gov.example", "ftp://gov.example", "https://", "http://[x"])
def test_address__that_is_none_of_a_site__is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"is not (a|the) URL"):
        GovsiteClient(url, "t0ken")


@pytest.mark.parametrize("url", [SITE, f"{SITE}/", f"{SITE}/api/v1", f"{SITE}/api/v1/"])
def test_address__however_it_ends__leads_to_the_api(url: str) -> None:
    network = Network(httpx.Response(200, json={"frozen": False}))
    GovsiteClient(url, "t0ken", transport=httpx.MockTransport(network)).freeze_state()
    assert str(network.asked[0].url) == f"{SITE}/api/v1/freezes/"
    assert network.asked[0].headers["Authorization"] == "Bearer t0ken"


def test_evidence__that_was_changed_on_its_way__is_refused() -> None:
    answer = httpx.Response(200, json={}, headers={"X-Evidence-SHA256": "0" * 64})
    with pytest.raises(Exception, match="does not have the SHA-256 that the site sent"):
        Network(answer).client().evidence("j")
