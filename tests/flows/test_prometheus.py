"""Health from a real Prometheus, whose target the test degrades, and from fake ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from governance.authorities.health.prometheus_provider import PrometheusHealthProvider
from governance.authorities.health.readings import capture_health_snapshot, read_health
from governance.domain.errors import HealthBlocksError, HealthUnknownError
from governance.domain.health import HealthTrouble, UnknownHealth
from governance.domain.values import HealthDecision, HealthReading
from governance.flows.activate_contract import activate_contract
from tests.support.attacks import nothing_written
from tests.support.factories import approved
from tests.support.platform import signal
from tests.support.prometheus import (
    Prometheus,
    Target,
    eventually,
    needs_prometheus,
    prometheus,
    target,
    use_rules,
    write_rules,
)
from tests.support.targets import answer, fake_target
from tests.support.users import Users

HEALTHY, DEGRADED, BLOCKED = HealthDecision.HEALTHY, HealthDecision.DEGRADED, HealthDecision.BLOCKED
SEARCH = """scope = "Search"
BLOCKED = 'shop_errors > 9'
DEGRADED = 'shop_errors > 1'
needs = 'up{job="shop"} == 1'
reason = "Errors of the basket" """
SYSTEM = "scope = \"SYSTEM\"\nBLOCKED = 'sum(shop_errors) > 99'"


def read(*scopes: str) -> HealthReading:
    reading = read_health(scopes=scopes or ["Search"])
    assert isinstance(reading, HealthReading), reading
    return reading


def unknown(*scopes: str) -> tuple[HealthTrouble, ...]:
    reading = read_health(scopes=scopes or ["Search"])
    assert isinstance(reading, UnknownHealth)
    assert capture_health_snapshot(scopes=scopes or ["Search"]) is None
    return reading.troubles


class TestCombinedWithSignals:
    """Against a server that answers as Prometheus does; every question gets the same answer."""

    @pytest.fixture
    def series(self, tmp_path: Path, settings: Any) -> Iterator[list[Any]]:
        """The series of every answer."""
        series: list[Any] = []

        def respond(connection: Any) -> None:
            data = {"resultType": "vector", "result": series}
            answer("200 OK", {"status": "success", "data": data}, "Connection: close")(connection)

        with fake_target(respond) as fake:
            rule = "scope = \"Search\"\nDEGRADED = 'errors > 1'"
            system = "scope = \"SYSTEM\"\nDEGRADED = 'errors > 1'"
            url = f"http://127.0.0.1:{fake.port}"
            use_rules(settings, write_rules(tmp_path / "health.toml", url, rule, system))
            yield series

    @pytest.mark.parametrize(
        ("signalled", "holds", "worst"),
        [
            (None, False, HEALTHY),
            (None, True, DEGRADED),
            (HEALTHY, True, DEGRADED),
            (DEGRADED, False, DEGRADED),
            (BLOCKED, True, BLOCKED),
            (BLOCKED, False, BLOCKED),
        ],
    )
    def test_scope__has_the_worst_of_its_signals_and_its_rule(
        self,
        users: Users,
        series: list[Any],
        signalled: HealthDecision | None,
        holds: bool,
        worst: HealthDecision,
    ) -> None:
        series += [{}] * holds
        if signalled:
            signal(users, signalled, "Search")
            signal(users, signalled, "SYSTEM")
        reading = read()
        assert (reading.system, reading.capabilities) == (worst, {"Search": worst})

    def test_reading__names_the_rule_beside_the_signals(
        self, users: Users, series: list[Any]
    ) -> None:
        signal(users, BLOCKED, "Search")
        system, latency, rule = read().signals
        assert latency["signal_type"] == "latency"
        assert (rule["scope"], rule["signal_type"]) == ("Search", "prometheus rule")
        assert (rule["decision"], rule["reason"]) == ("HEALTHY", "No condition of the rule holds.")
        assert system["scope"] == "SYSTEM"

    def test_scope__without_a_rule__has_its_signals_alone(
        self, users: Users, series: list[Any]
    ) -> None:
        series.append({})
        signal(users, HEALTHY, "Billing")
        assert read("Billing").capabilities == {"Billing": HEALTHY}
        assert read("SYSTEM").capabilities == {}

    def test_reading__taken__writes_nothing(self, users: Users, series: list[Any]) -> None:
        with nothing_written():
            read()


class TestUnknown:
    def test_rule__that_is_not_answered__leaves_its_scope_unknown_in_spite_of_signals(
        self, users: Users, tmp_path: Path, settings: Any
    ) -> None:
        with fake_target(answer("503 Service Unavailable", b"", "Connection: close")) as fake:
            url = f"http://127.0.0.1:{fake.port}"
            use_rules(settings, write_rules(tmp_path / "health.toml", url, SEARCH))
            signal(users, HEALTHY, "Search")
            [trouble] = unknown()
            assert trouble == HealthTrouble("Search", "BLOCKED: Prometheus answered 503.")
            assert read("Billing").capabilities == {"Billing": HEALTHY}

    def test_activation__while_prometheus_is_stopped__refused(
        self, users: Users, tmp_path: Path, settings: Any
    ) -> None:
        contract = approved(users)
        use_rules(settings, write_rules(tmp_path / "health.toml", "http://127.0.0.1:1", SEARCH))
        with pytest.raises(HealthUnknownError):
            activate_contract(contract_id=contract.pk, actor=users.operator)

    def test_file__that_cannot_be_used__leaves_all_unknown(
        self, users: Users, tmp_path: Path, settings: Any
    ) -> None:
        path = write_rules(tmp_path / "health.toml", "http://127.0.0.1:1", "scope = 1")
        use_rules(settings, path)
        [trouble] = unknown()
        assert trouble.scope == ""
        assert "rule[0].scope" in trouble.reason
        path.chmod(0o666)
        assert "may be written" in unknown()[0].reason
        path.unlink()
        assert "cannot be read" in unknown()[0].reason

    def test_provider__without_a_file__knows_nothing(
        self, users: Users, tmp_path: Path, settings: Any
    ) -> None:
        use_rules(settings, tmp_path)
        settings.GOVSITE_PROMETHEUS_FILE = ""
        assert unknown() == (HealthTrouble("", "GOVSITE_PROMETHEUS_FILE is not set."),)
        assert PrometheusHealthProvider.__doc__


@needs_prometheus
class TestRealPrometheus:
    """The rules of a file, asked of Debian's Prometheus, which scrapes a target of the test."""

    @pytest.fixture
    def shop(self) -> Iterator[Target]:
        with target() as found:
            yield found

    @pytest.fixture
    def monitor(self, shop: Target, tmp_path: Path, settings: Any) -> Iterator[Prometheus]:
        with prometheus(tmp_path, shop) as running:
            path = write_rules(tmp_path / "health.toml", running.url, SEARCH, SYSTEM)
            use_rules(settings, path)
            yield running

    def test_target__healthy_degraded_blocked_gone_and_prometheus_gone(
        self, users: Users, shop: Target, monitor: Prometheus
    ) -> None:
        contract = approved(users)
        assert read().capabilities == {"Search": HEALTHY}

        shop.errors = 5
        eventually(lambda: read().capabilities["Search"] is DEGRADED, "DEGRADED")
        assert read().system is HEALTHY

        shop.errors = 50
        eventually(lambda: read().capabilities["Search"] is BLOCKED, "BLOCKED")
        [_, rule] = read().signals
        assert rule["reason"] == "Errors of the basket"
        with pytest.raises(HealthBlocksError) as caught:
            activate_contract(contract_id=contract.pk, actor=users.operator)
        assert caught.value.details["blocking"] == ["Search"]

        shop.errors = 500
        eventually(lambda: read().system is BLOCKED, "the system is BLOCKED")

        shop.errors = 0
        eventually(lambda: read().blocking_scopes() == [], "well again")

        shop.stop()
        eventually(
            lambda: isinstance(read_health(scopes=["Search"]), UnknownHealth), "the target is gone"
        )
        [trouble] = unknown()
        assert trouble.scope == "Search"
        assert "up{job=" in trouble.reason

        monitor.kill()
        assert {one.scope for one in unknown()} == {"Search", "SYSTEM"}
        assert all("cannot be reached" in one.reason for one in unknown())

    def test_condition__that_prometheus_refuses_or_that_is_a_number__is_unknown_and_says_why(
        self, users: Users, monitor: Prometheus, tmp_path: Path
    ) -> None:
        for condition, trouble in (
            ("shop_errors >", "BLOCKED: Prometheus answered 400: "),
            ("1", "BLOCKED: The answer of Prometheus is no vector."),
        ):
            rule = f"scope = \"Search\"\nBLOCKED = '{condition}'"
            write_rules(tmp_path / "health.toml", monitor.url, rule)
            assert unknown()[0].reason.startswith(trouble)
