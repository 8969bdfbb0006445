"""Tests of health signals: what supersedes one, when it expires, and the acceptance cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from governance.authorities.health.readings import capture_health_snapshot
from governance.authorities.health.signals import active_signals, record_signal
from governance.domain.errors import InvalidInputError
from governance.domain.values import HealthDecision, HealthReading
from governance.models import GovernanceSignal
from tests.support.attacks import insert_row, nothing_written, run_sql, violates_constraint
from tests.support.cases import cases_of, needs_cases
from tests.support.clock import clock_at, now
from tests.support.factories import running_job
from tests.support.users import Users

SIGNAL = "governance_governancesignal"
HOUR = timedelta(hours=1)


def record(users: Users, decision: str = "BLOCKED", **more: Any) -> GovernanceSignal:
    words: dict[str, Any] = {"scope": "Search", "signal_type": "errors", "reason": "Probed."}
    return record_signal(**(words | more), decision=decision, actor=users.operator)


def read(*scopes: str) -> HealthReading:
    reading = capture_health_snapshot(scopes=scopes or ["Search"])
    assert reading is not None
    return reading


def state(at: datetime) -> str:
    with clock_at(at):
        return read().capabilities["Search"]


class TestExpiry:
    def test_signal__counts_until_its_end_and_no_longer_at_it(self, users: Users) -> None:
        start = now()
        with clock_at(start):
            signal = record(users, expires_in=HOUR)
        assert signal.expires_at == start + HOUR
        assert state(start) == "BLOCKED"
        assert state(start + HOUR - timedelta(microseconds=1)) == "BLOCKED"
        assert state(start + HOUR) == "HEALTHY"
        assert state(start + HOUR + timedelta(microseconds=1)) == "HEALTHY"

    def test_signal__with_a_time_of_its_end__expires_then(self, users: Users) -> None:
        start = now()
        record(users, expires_at=start + HOUR)
        record(users, "DEGRADED", signal_type="latency")
        assert (state(start), state(start + HOUR)) == ("BLOCKED", "DEGRADED")

    def test_signal__without_an_end__never_expires(self, users: Users) -> None:
        record(users)
        assert state(now() + timedelta(days=4000)) == "BLOCKED"

    def test_postgresqls_clock__decides_and_not_the_time_that_a_caller_names(
        self, users: Users
    ) -> None:
        record(users, expires_in=HOUR)
        later = now() + 2 * HOUR
        reading = capture_health_snapshot(scopes=["Search"], at=later)
        assert reading is not None
        assert reading.capabilities == {"Search": "BLOCKED"}
        with clock_at(later):
            reading = capture_health_snapshot(scopes=["Search"], at=later - 2 * HOUR)
        assert reading is not None
        assert reading.capabilities == {"Search": "HEALTHY"}

    def test_reading__says_when_a_signal_expires(self, users: Users) -> None:
        record(users, expires_at=datetime.fromisoformat("2999-01-02T03:04:05Z"))
        record(users, signal_type="latency")
        expiring, lasting = read().signals
        assert expiring["expires_at"] == "2999-01-02T03:04:05.000000Z"
        assert "expires_at" not in lasting

    def test_expired_signal__is_superseded_by_the_next_and_stays_on_record(
        self, users: Users
    ) -> None:
        first = record(users, expires_in=HOUR)
        with clock_at(now() + 2 * HOUR):
            second = record(users, "DEGRADED")
            assert [one.pk for one in active_signals()] == [second.pk]
        first.refresh_from_db()
        assert first.superseded_at == second.recorded_at

    @pytest.mark.parametrize("seconds", [0, -1])
    def test_signal__that_would_have_expired__refused(self, users: Users, seconds: int) -> None:
        at = now()
        with clock_at(at):
            for end in (
                {"expires_at": at + timedelta(seconds=seconds)},
                {"expires_in": timedelta(seconds=seconds)},
            ):
                with nothing_written(), pytest.raises(InvalidInputError) as caught:
                    record(users, **end)
                assert caught.value.errors[0]["path"] == "expires_at"

    def test_sql_insert__expired_before_it_was_recorded__refused(self, users: Users) -> None:
        at = now()
        for expires_at in (at, at - HOUR):
            with violates_constraint("signal_expires_later"):
                insert_row(
                    SIGNAL,
                    scope="Search",
                    signal_type="errors",
                    decision="BLOCKED",
                    reason="",
                    recorded_by_id=users.operator.pk,
                    recorded_at=at,
                    expires_at=expires_at,
                )

    @pytest.mark.parametrize("expires_at", [None, "infinity", "2000-01-01"])
    def test_sql_update__of_the_end__refused(self, users: Users, expires_at: Any) -> None:
        record(users, expires_in=HOUR)
        with violates_constraint("signal_history_kept"):
            run_sql(f"UPDATE {SIGNAL} SET expires_at = %s", expires_at)


def test_evidence__has_signals_that_were_superseded_or_expired_before_the_end(
    users: Users,
) -> None:
    running = running_job(users)
    record(users, "BLOCKED", expires_in=timedelta(microseconds=1))
    for decision in ("DEGRADED", "HEALTHY"):
        record(users, decision, signal_type="latency")
    running.complete_steps()
    signals = running.complete().evidence.document["signals"]
    assert [one["decision"] for one in signals] == ["BLOCKED", "DEGRADED", "HEALTHY"]


class TestWordsOfMonitors:
    @pytest.mark.parametrize(
        ("word", "decision"),
        [("OK", "HEALTHY"), ("CLEAN", "HEALTHY"), ("WARN", "DEGRADED"), ("UNHEALTHY", "BLOCKED")],
    )
    def test_signal__in_another_word__is_recorded_as_the_decision(
        self, users: Users, word: str, decision: str
    ) -> None:
        assert record(users, word).decision == decision
        assert read().signals[0]["decision"] == decision

    def test_signal__in_an_unknown_word__refused(self, users: Users) -> None:
        with nothing_written(), pytest.raises(InvalidInputError) as caught:
            record(users, "FINE")
        assert caught.value.errors[0]["path"] == "decision"


@needs_cases
class TestHealthCases:
    @pytest.mark.parametrize("case", cases_of("health"), ids=lambda case: str(case["id"]))
    def test_case__has_the_state_that_it_expects_whenever_it_is_asked(
        self, users: Users, case: dict[str, Any]
    ) -> None:
        given, expected = case["given"], case["expect"]
        for number, signal in enumerate(given["signals"]):
            self.enter(users, signal, number)
        name = given["name"] or "SYSTEM"
        with clock_at(now() + HOUR):
            readings = [read(name) for _ in range(2)]
        for reading in readings:
            decision = reading.system if name == "SYSTEM" else reading.capabilities[name]
            assert decision == HealthDecision(expected["state"])
            if "is_eligible" in expected:
                assert (reading.blocking_scopes() == []) is expected["is_eligible"]

    def enter(self, users: Users, signal: dict[str, Any], number: int) -> None:
        """Record a case's signal; what supersedes it has expired when health is asked."""
        words = {
            "scope": signal["scope"],
            "signal_type": f"{signal.get('signal_type') or 'none'} {number}",
        }
        end = {"expires_in": HOUR / 2} if signal.get("expired") else {}
        record(users, signal["decision"], **words, **end)
        if signal.get("superseded"):
            record(users, "BLOCKED", **words, expires_in=HOUR / 2)
