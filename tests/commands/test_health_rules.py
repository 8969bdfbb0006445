"""`check_health_rules` and the check `health` of `doctor`: what Prometheus says, or why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from governance.authorities.health.failures import record_failures
from governance.domain.health import HealthTrouble, UnknownHealth
from governance.domain.values import HealthDecision
from governance.management.doctor import diagnose
from tests.support.commands import run
from tests.support.factories import now
from tests.support.platform import signal
from tests.support.prometheus import use_rules, write_rules
from tests.support.registry import registered
from tests.support.targets import FakeTarget, answer, fake_target
from tests.support.users import Users

SEARCH = 'scope = "Search"\nBLOCKED = \'errors > 9\'\nreason = "Too many errors"'
SYSTEM = "scope = \"SYSTEM\"\nDEGRADED = 'errors > 1'"


@pytest.fixture
def monitor() -> Iterator[FakeTarget]:
    """A server that answers each query with one series."""
    data = {"resultType": "vector", "result": [{}]}
    answering = answer("200 OK", {"status": "success", "data": data}, "Connection: close")
    with fake_target(answering) as target:
        yield target


def rules_at(url: str, tmp_path: Path, settings: Any, *rules: str) -> Path:
    path = write_rules(tmp_path / "health.toml", url, *rules)
    use_rules(settings, path)
    return path


def health() -> tuple[bool, str, str]:
    [one] = diagnose(["health"])
    return one.finding.is_ok, one.finding.words, one.finding.remedy


def test_rules__that_are_answered__are_shown_with_their_reasons(
    users: Users, monitor: FakeTarget, tmp_path: Path, settings: Any
) -> None:
    registered("Search", lifecycle="LAUNCHED")
    rules_at(f"http://127.0.0.1:{monitor.port}", tmp_path, settings, SEARCH, SYSTEM)
    ran = run("check_health_rules")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "Search: BLOCKED. Too many errors",
        "SYSTEM: DEGRADED. This holds: errors > 1",
    ]
    assert health() == (True, "The system is DEGRADED; 2 health rules answered.", "")


def test_rules__of_a_prometheus_that_is_stopped__are_unknown_with_the_reason(
    users: Users, tmp_path: Path, settings: Any
) -> None:
    rules_at("http://127.0.0.1:1", tmp_path, settings, SEARCH)
    ran = run("check_health_rules", "--json")
    assert ran.code == 1
    assert ran.json()["rules"] == [
        {
            "scope": "Search",
            "decision": None,
            "reason": None,
            "trouble": "BLOCKED: Prometheus cannot be reached: ConnectError.",
        }
    ]
    assert "A rule is about Search, which is not registered." in ran.err
    is_ok, words, remedy = health()
    assert not is_ok
    assert words.endswith("Search: BLOCKED: Prometheus cannot be reached: ConnectError.")
    assert remedy.startswith("manage.py check_health_rules")


def test_file__that_cannot_be_used__is_refused_with_the_path(
    users: Users, tmp_path: Path, settings: Any
) -> None:
    rules_at("http://127.0.0.1:1", tmp_path, settings, "scope = 1")
    ran = run("check_health_rules")
    assert (ran.code, ran.err.endswith("(invalid_health_rules)\n")) == (1, True)
    is_ok, words, _ = health()
    assert (is_ok, "rule[0].scope" in words) == (False, True)


def test_site__without_rules__has_the_health_of_its_signals(users: Users) -> None:
    ran = run("check_health_rules")
    assert (ran.code, ran.out) == (0, "")
    assert "GOVSITE_PROMETHEUS_FILE is not set" in ran.err
    assert run("check_health_rules", "--json").json() == {"url": None, "rules": []}
    assert health() == (True, "The system is HEALTHY.", "")


# --- lifecycles against health ---
def lifecycles() -> tuple[bool, str, str]:
    [one] = diagnose(["lifecycles"])
    return one.finding.is_ok, one.finding.words, one.finding.remedy


def test_capability__launched_while_blocked__is_named_and_nothing_is_refused(users: Users) -> None:
    for name in ("Search", "Feed", "Billing", "Mail", "Maps"):
        registered(name, lifecycle="LAUNCHED")
    registered("Beta", lifecycle="PREVIEW")
    assert lifecycles() == (True, "No capability is LAUNCHED while its health is BLOCKED.", "")
    signal(users, HealthDecision.BLOCKED, "Beta")
    signal(users, HealthDecision.DEGRADED, "Search")
    signal(users, HealthDecision.BLOCKED, "SYSTEM")
    assert lifecycles()[0]
    signal(users, HealthDecision.BLOCKED, "Search")
    assert lifecycles() == (
        False,
        "LAUNCHED while their health is BLOCKED: Search.",
        "mend the capability, or disable it by a contract",
    )
    for name in ("Feed", "Billing", "Mail", "Maps"):
        signal(users, HealthDecision.BLOCKED, name)
    assert lifecycles()[1].endswith("BLOCKED: Billing, Feed, Mail and 2 more.")


def test_lifecycles__while_health_is_unknown__are_not_wrong(
    users: Users, tmp_path: Path, settings: Any
) -> None:
    use_rules(settings, tmp_path / "none.toml")
    assert lifecycles() == (
        True,
        "Nobody can tell whether lifecycles fit the platform's health.",
        "",
    )
    is_ok, words, _ = health()
    assert not is_ok
    assert "cannot be read" in words


def test_doctor__counts_the_failed_readings_of_a_day(users: Users) -> None:
    record_failures(UnknownHealth(now(), (HealthTrouble("Search", "Late."),)))
    assert health()[1] == "The system is HEALTHY; 1 failed reading in the last 24 hours."
