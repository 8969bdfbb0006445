"""Tests of the file of health rules: what it may say, and what is refused with its path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from governance.authorities.health.rules import (
    MAX_RULES,
    HealthRule,
    read_health_rules,
    site_health_rules,
)
from governance.domain.errors import InvalidHealthRulesError, UnreadableFileError
from governance.domain.values import HealthDecision

URL = 'url = "http://127.0.0.1:9090/"\n'
RULE = '[[rule]]\nscope = "Search"\nBLOCKED = "errors > 9"\n'


def test_rules__with_every_field__are_read() -> None:
    rules = read_health_rules(
        URL
        + 'timeout_seconds = 2\nbearer_token = "secret://prometheus"\n'
        + RULE
        + 'DEGRADED = "errors > 1"\nneeds = "up == 1"\nreason = "Too many errors"\n'
        + RULE.replace("Search", "SYSTEM")
    )
    assert (rules.url, rules.timeout_seconds) == ("http://127.0.0.1:9090", 2)
    assert rules.bearer_token == "secret://prometheus"
    search, system = rules.rules
    assert search.conditions == {
        "BLOCKED": "errors > 9",
        "DEGRADED": "errors > 1",
        "needs": "up == 1",
    }
    assert search.reason_for(HealthDecision.BLOCKED) == "Too many errors"
    assert system.reason_for(HealthDecision.BLOCKED) == "This holds: errors > 9"
    assert system.reason_for(HealthDecision.HEALTHY) == "No condition of the rule holds."
    assert rules.of(["SYSTEM", "Other"]) == [system]


def test_rules__of_a_whole_site__may_be_none() -> None:
    assert read_health_rules(URL).rules == ()


def test_reason__of_a_long_condition__is_cut() -> None:
    rule = HealthRule("Search", {"BLOCKED": "x" * 1000})
    assert len(rule.reason_for(HealthDecision.BLOCKED)) == 300


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", "url"),
        ('url = ""', "url"),
        *(
            (f'url = "{url}"', "url")
            for url in (
                "prometheus:9090",
                "file:///etc/passwd",
                "http://",
                "http://user:password@host/",
                "http://host:port/",
                "http://host/?query=1",
                "http://host/#part",
                "http://host/a b",
                "http://höst/",
            )
        ),
        (URL + "timeout_seconds = 0", "timeout_seconds"),
        (URL + "timeout_seconds = 61", "timeout_seconds"),
        (URL + "timeout = 3", "timeout"),
        (URL + "rule = 1", "rule"),
        (URL + RULE + RULE, "rule[1].scope"),
        (URL + RULE.replace("Search", "Se\\u200barch"), "rule[0].scope"),
        (URL + '[[rule]]\nscope = "Search"\n', "rule[0].BLOCKED"),
        (URL + '[[rule]]\nscope = "Search"\nneeds = "up"\n', "rule[0].BLOCKED"),
        (URL + RULE + "DEGRADED = 1\n", "rule[0].DEGRADED"),
        (URL + RULE + f'DEGRADED = "{"x" * 4001}"\n', "rule[0].DEGRADED"),
        (URL + RULE + f'reason = "{"x" * 301}"\n', "rule[0].reason"),
        (URL + RULE + 'blocked = "up"\n', "rule[0].blocked"),
        (URL + "".join(RULE.replace("Search", f"S{n}") for n in range(MAX_RULES + 1)), "rule"),
        ("url = ", ""),
    ],
)
def test_rules__with_a_wrong_field__refused_with_its_path(text: str, path: str) -> None:
    with pytest.raises(InvalidHealthRulesError) as caught:
        read_health_rules(text)
    assert caught.value.errors[0]["path"] == path


def test_site__without_a_file__has_no_rules(settings: Any) -> None:
    settings.GOVSITE_PROMETHEUS_FILE = ""
    assert site_health_rules() is None


def test_file__is_read_again_when_it_changes_and_refused_when_others_may_write_it(
    tmp_path: Path, settings: Any
) -> None:
    path = tmp_path / "health.toml"
    settings.GOVSITE_PROMETHEUS_FILE = str(path)
    with pytest.raises(UnreadableFileError):
        site_health_rules()
    path.write_text(URL)
    path.chmod(0o644)
    first = site_health_rules()
    assert first is not None
    assert site_health_rules() is first
    path.write_text(URL + RULE)
    second = site_health_rules()
    assert second is not None
    assert len(second.rules) == 1
    path.chmod(0o664)
    with pytest.raises(InvalidHealthRulesError, match="may be written by its group or by others"):
        site_health_rules()
