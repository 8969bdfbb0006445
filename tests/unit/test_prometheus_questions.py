"""Tests of the questions to Prometheus: what is sent, and what each bad answer leaves unknown."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from governance.authorities.executor.handlers import http_target
from governance.authorities.executor.handlers.step_documents import MAX_ANSWER_BYTES
from governance.authorities.health.prometheus import RuleAnswer, ask_rules
from governance.authorities.health.rules import HealthRule, HealthRules
from tests.support.steps import write_secret
from tests.support.targets import Answering, answer, fake_target, silence, trickle

RULE = HealthRule("Search", {"BLOCKED": "errors > 9"}, "Too many errors")
SERIES = [{"metric": {}, "value": [0, "12"]}]


def vector(series: Any = SERIES, **more: Any) -> Answering:
    data = {"resultType": "vector", "result": series}
    return answer("200 OK", {"status": "success", "data": data} | more, "Connection: close")


def ask(answering: Answering, rule: HealthRule = RULE, seconds: float = 5.0) -> RuleAnswer:
    with fake_target(answering) as target:
        url = f"http://127.0.0.1:{target.port}"
        [finding] = ask_rules(HealthRules(url), [rule], seconds=seconds)
    return finding


def test_condition__with_series__holds_and_without_does_not() -> None:
    finding = ask(vector())
    assert (finding.decision, finding.reason) == ("BLOCKED", "Too many errors")
    finding = ask(vector([]))
    assert (finding.decision, finding.trouble) == ("HEALTHY", "")
    finding = ask(vector(), HealthRule("Search", {"DEGRADED": "errors > 1"}))
    assert (finding.decision, finding.reason) == ("DEGRADED", "This holds: errors > 1")


def test_worst_condition__that_holds__decides() -> None:
    both = HealthRule("Search", {"DEGRADED": "errors > 1", "BLOCKED": "errors > 9"})
    assert ask(vector(), both).decision == "BLOCKED"


def test_need__that_does_not_hold__leaves_the_scope_unknown() -> None:
    rule = HealthRule("Search", {"BLOCKED": "errors > 9", "needs": "up == 1"})
    finding = ask(vector([]), rule)
    assert finding.decision is None
    assert finding.trouble == "The rule needs this, which does not hold: up == 1"
    needs = HealthRule("Search", {"DEGRADED": "errors > 9", "needs": "up == 1"})
    assert ask(vector(), needs).decision == "DEGRADED"


def test_question__is_a_form_with_its_time_limit(tmp_path: Path, settings: Any) -> None:
    settings.GOVSITE_SECRETS_DIR = str(tmp_path)
    write_secret(tmp_path, "prometheus", "t0ken")
    with fake_target(vector()) as target:
        rules = HealthRules(f"http://127.0.0.1:{target.port}", bearer_token="secret://prometheus")
        ask_rules(rules, [RULE], seconds=2)
    [(headers, body)] = target.requests
    form = parse_qs(body.decode())
    assert form["query"] == ["errors > 9"]
    assert 0 < int(form["timeout"][0].removesuffix("ms")) <= 2000
    assert headers["authorization"] == "Bearer t0ken"
    assert headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("folder", ["", "empty"])
def test_token__that_cannot_be_read__leaves_all_unknown(
    folder: str, tmp_path: Path, settings: Any
) -> None:
    settings.GOVSITE_SECRETS_DIR = str(tmp_path / folder) if folder else ""
    rules = HealthRules("http://127.0.0.1:1", bearer_token="secret://prometheus")
    [finding] = ask_rules(rules, [RULE], seconds=2)
    assert finding.decision is None
    assert finding.trouble.startswith("secret://prometheus: ")


@pytest.mark.parametrize(
    ("answering", "trouble"),
    [
        (
            answer("400 Bad Request", {"status": "error", "error": "parse error"}),
            "BLOCKED: Prometheus answered 400: parse error",
        ),
        (answer("503 Service Unavailable", b"<html>"), "BLOCKED: Prometheus answered 503."),
        (
            answer("302 Found", b"", "Location: http://127.0.0.1:1/"),
            "BLOCKED: Prometheus answered 302.",
        ),
        (answer("200 OK", b"[]"), "BLOCKED: Prometheus answered 200."),
        (answer("200 OK", b"[" * 100_000), "BLOCKED: Prometheus answered 200."),
        (answer("200 OK", {"status": "error"}), "BLOCKED: Prometheus answered 200."),
        (
            vector(warnings=["remote read failed"]),
            "BLOCKED: Prometheus warned: ['remote read failed']",
        ),
        (
            answer(
                "200 OK",
                {"status": "success", "data": {"resultType": "scalar", "result": [0, "1"]}},
            ),
            "BLOCKED: The answer of Prometheus is no vector.",
        ),
        (
            answer("200 OK", {"status": "success", "data": None}),
            "BLOCKED: The answer of Prometheus is no vector.",
        ),
        (vector("none"), "BLOCKED: The answer of Prometheus has no series."),
        (
            answer("200 OK", b" " * (MAX_ANSWER_BYTES + 1)),
            "BLOCKED: The answer is larger than 1 MiB; the rest was not read.",
        ),
        (
            trickle(b"no http\r\n\r\n", b"", 0),
            "BLOCKED: Prometheus cannot be reached: RemoteProtocolError.",
        ),
    ],
)
def test_answer__that_is_none__leaves_the_scope_unknown(answering: Answering, trouble: str) -> None:
    finding = ask(answering)
    assert (finding.decision, finding.trouble) == (None, trouble)


@pytest.mark.parametrize(
    "answering", [silence(1), trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b" ", 1)]
)
def test_answer__that_is_late__leaves_the_scope_unknown_in_time(answering: Answering) -> None:
    began = time.monotonic()
    with fake_target(answering) as target:
        url = f"http://127.0.0.1:{target.port}"
        [finding] = ask_rules(HealthRules(url), [RULE], seconds=0.3)
        assert time.monotonic() - began < 2
    assert finding.trouble == "BLOCKED: 127.0.0.1 did not answer in time."


def test_file__may_set_a_shorter_time() -> None:
    began = time.monotonic()
    with fake_target(silence(1.5)) as target:
        rules = HealthRules(f"http://127.0.0.1:{target.port}", timeout_seconds=1)
        [finding] = ask_rules(rules, [RULE], seconds=60)
        assert time.monotonic() - began < 2.5
    assert finding.decision is None


def test_prometheus__that_is_not_there__leaves_the_scope_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    [finding] = ask_rules(HealthRules(f"http://127.0.0.1:{port}"), [RULE], seconds=2)
    assert finding.trouble == "BLOCKED: Prometheus cannot be reached: ConnectError."


def test_https__that_nobody_speaks__leaves_the_scope_unknown_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        [finding] = ask_rules(HealthRules(url), [RULE], seconds=0.2)
    assert finding.trouble == "BLOCKED: 127.0.0.1 did not answer in time."


def test_host__that_is_unknown_or_resolved_too_slowly__leaves_the_scope_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(*_: Any, **__: Any) -> list[str]:
        raise OSError("Name or service not known")

    def slow(*_: Any, **__: Any) -> list[str]:
        time.sleep(1.5)
        return []

    for lookup, trouble in (
        (unknown, "BLOCKED: Prometheus cannot be reached: OSError."),
        (slow, "BLOCKED: Prometheus did not answer in time."),
    ):
        monkeypatch.setattr(http_target, "resolve_host", lookup)
        began = time.monotonic()
        rules = [HealthRule(f"Search {number}", RULE.conditions) for number in range(20)]
        findings = ask_rules(HealthRules("http://prometheus.example"), rules, seconds=0.2)
        assert {one.trouble for one in findings} == {trouble}
        assert time.monotonic() - began < 1.2


def test_no_rule__asks_nothing() -> None:
    assert ask_rules(HealthRules("http://127.0.0.1:1"), [], seconds=1) == []


def test_long_trouble__is_cut() -> None:
    error = {"status": "error", "error": "x" * 5000}
    assert len(ask(answer("400 Bad Request", error)).trouble) == 300
