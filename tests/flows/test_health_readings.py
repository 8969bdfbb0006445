"""Tests of health readings: the worst current signal counts, no signal means healthy.

A reading that fails is None, so health is unknown.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from governance.authorities.health.readings import capture_health_snapshot, read_health
from governance.authorities.health.signals import record_signal
from governance.domain.errors import HealthUnknownError, InvalidInputError
from governance.domain.health import UnknownHealth, in_words
from governance.domain.values import HealthDecision, HealthReading
from governance.flows.activate_contract import activate_contract
from governance.models import GovernanceSignal, HealthSnapshot
from tests.support.attacks import nothing_written, run_sql, violates_constraint
from tests.support.factories import approved, now, pending_job
from tests.support.platform import Late, Partial
from tests.support.roles import as_owner
from tests.support.users import Users

HEALTHY, DEGRADED, BLOCKED = HealthDecision.HEALTHY, HealthDecision.DEGRADED, HealthDecision.BLOCKED
WORST_LAST = [HEALTHY, DEGRADED, BLOCKED]


def say(users: Users, scope: str, decision: HealthDecision, signal_type: str = "errors") -> Any:
    return record_signal(
        scope=scope,
        signal_type=signal_type,
        decision=decision,
        reason="A monitor said so.",
        actor=users.operator,
    )


def read(*scopes: str) -> HealthReading:
    reading = capture_health_snapshot(scopes=scopes, at=now())
    assert reading is not None
    return reading


@pytest.mark.parametrize("order", [WORST_LAST, WORST_LAST[::-1], [DEGRADED, BLOCKED, HEALTHY]])
def test_reading__the_same_signals_in_any_order__the_same(
    users: Users, order: list[HealthDecision]
) -> None:
    for decision in order:
        say(users, "Search", decision, signal_type=f"monitor of {decision}")
    assert read("Search").capabilities == {"Search": BLOCKED}


def test_reading__of_silence__healthy(users: Users) -> None:
    reading = read("Search", "Billing")
    assert (reading.system, reading.signals) == (HEALTHY, ())
    assert reading.capabilities == {"Billing": HEALTHY, "Search": HEALTHY}
    assert reading.blocking_scopes() == []


def test_reading__of_one_scope__leaves_the_others_out(users: Users) -> None:
    say(users, "Billing", BLOCKED)
    reading = read("Search")
    assert (reading.capabilities, reading.signals) == ({"Search": HEALTHY}, ())


def test_reading__of_the_system__is_its_own_and_no_capabilitys(users: Users) -> None:
    say(users, "Search", BLOCKED)
    assert read("Search").system is HEALTHY
    assert read("Search").blocking_scopes() == ["Search"]
    say(users, "SYSTEM", BLOCKED)
    assert read("Search", "Billing").blocking_scopes() == ["SYSTEM", "Search"]
    assert read("Billing").capabilities == {"Billing": HEALTHY}


def test_reading__of_a_contract_on_the_system__counts_it_once(users: Users) -> None:
    say(users, "SYSTEM", BLOCKED)
    assert read("SYSTEM").blocking_scopes() == ["SYSTEM"]


def test_signal__superseded__no_longer_counts_and_stays_on_record(users: Users) -> None:
    first = say(users, "Search", BLOCKED)
    second = say(users, "Search", HEALTHY)
    assert read("Search").capabilities == {"Search": HEALTHY}
    assert [signal["decision"] for signal in read("Search").signals] == ["HEALTHY"]
    kept = GovernanceSignal.objects.get(pk=first.pk)
    assert (kept.decision, kept.superseded_at) == ("BLOCKED", second.recorded_at)


def test_signal__of_another_type__supersedes_nothing(users: Users) -> None:
    say(users, "Search", BLOCKED, signal_type="errors")
    say(users, "Search", HEALTHY, signal_type="latency")
    assert read("Search").capabilities == {"Search": BLOCKED}


@pytest.mark.parametrize(
    ("field", "value"), [("scope", " "), ("signal_type", ""), ("reason", ""), ("scope", "s" * 201)]
)
def test_signal__without_its_texts__refused(users: Users, field: str, value: str) -> None:
    words: dict[str, Any] = {"scope": "Search", "signal_type": "errors", "reason": "Why."}
    with nothing_written(), pytest.raises(InvalidInputError) as caught:
        record_signal(**(words | {field: value}), decision=BLOCKED, actor=users.operator)
    assert caught.value.errors[0]["path"] == field


def test_raw_sql__against_a_signal__refused(users: Users) -> None:
    signal = say(users, "Search", BLOCKED)
    for assignment in ("decision = 'HEALTHY'", "scope = 'Other'", "reason = ''"):
        with violates_constraint("signal_history_kept"):
            run_sql(f"UPDATE governance_governancesignal SET {assignment} WHERE id = %s", signal.pk)
    for attack in ("DELETE FROM", "TRUNCATE"):
        with violates_constraint("signal_never_removed"):
            run_sql(f"{attack} governance_governancesignal")
    say(users, "Search", HEALTHY)
    with violates_constraint("signal_history_kept"):
        run_sql("UPDATE governance_governancesignal SET superseded_at = NULL")


def test_reading__taken__writes_nothing(users: Users) -> None:
    say(users, "Search", DEGRADED)
    with nothing_written():
        read("Search")


class BrokenProvider:
    def capture(self, **_: Any) -> HealthReading:
        raise ConnectionError("The monitor is away.")


@pytest.fixture
def broken_provider(settings: Any) -> None:
    provider = f"{__name__}.{BrokenProvider.__name__}"
    settings.GOVSITE = settings.GOVSITE | {"HEALTH_PROVIDER": provider}


def test_reading__from_a_provider_that_raises__none(broken_provider: None) -> None:
    assert capture_health_snapshot(scopes=["Search"], at=now()) is None
    reading = read_health(scopes=["Search"], at=now())
    assert isinstance(reading, UnknownHealth)
    assert in_words(reading.troubles) == "The health provider failed: ConnectionError."


def test_reading__that_leaves_a_scope_out__says_which(users: Users, settings: Any) -> None:
    provider = f"{Partial.__module__}.{Partial.__name__}"
    settings.GOVSITE = settings.GOVSITE | {"HEALTH_PROVIDER": provider}
    reading = read_health(scopes=["Search", "Billing"])
    assert isinstance(reading, UnknownHealth)
    assert [one.scope for one in reading.troubles] == ["Billing", "Search"]
    assert in_words(reading.troubles).startswith(
        "Billing: The health provider left it out. Search: "
    )


class CutsTheLine:
    def capture(self, **_: Any) -> HealthReading:
        with as_owner():
            run_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        raise AssertionError("unreachable: the server hung up")


def test_reading__when_our_own_database_goes__is_not_unknown_health_but_says_so(
    committed: Users, settings: Any
) -> None:
    contract = approved(committed)
    cuts = f"{__name__}.{CutsTheLine.__name__}"
    settings.GOVSITE = settings.GOVSITE | {"HEALTH_PROVIDER": cuts}
    with pytest.raises(OperationalError):
        activate_contract(contract_id=contract.pk, actor=committed.operator)
    connection.close()


def test_activation__when_health_is_unknown__refused(
    users: Users, settings: Any, request: pytest.FixtureRequest
) -> None:
    contract = approved(users)
    request.getfixturevalue("broken_provider")
    with nothing_written(), pytest.raises(HealthUnknownError) as caught:
        activate_contract(contract_id=contract.pk, actor=users.operator)
    assert caught.value.code == "health_unknown"


def test_reading__that_our_own_database_answers_too_late__is_not_unknown_and_the_session_goes_on(
    committed: Users,
) -> None:
    run_sql("SET lock_timeout = '100ms'")
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("LOCK TABLE governance_governancesignal IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(OperationalError):
            capture_health_snapshot(scopes=["Search"])
        with pytest.raises(OperationalError), transaction.atomic():
            capture_health_snapshot(scopes=["Search"])
    assert capture_health_snapshot(scopes=["Search"]) is not None


def test_reading__that_a_provider_gives_too_late__none(users: Users, settings: Any) -> None:
    settings.GOVSITE = settings.GOVSITE | {
        "HEALTH_PROVIDER": f"{Late.__module__}.{Late.__name__}",
        "HEALTH_TIMEOUT_SECONDS": 0.1,
    }
    assert capture_health_snapshot(scopes=["Search"]) is None


def test_snapshot__before_a_job__keeps_the_reading_as_it_was(users: Users) -> None:
    signal = say(users, "Search", DEGRADED)
    job = pending_job(users)
    say(users, "Search", HEALTHY)
    reading = HealthSnapshot.objects.get(job=job, phase="BEFORE").reading
    assert reading["capabilities"] == {"Search": "DEGRADED"}
    assert [reported["reason"] for reported in reading["signals"]] == [signal.reason]
    assert job.created_at - signal.recorded_at < timedelta(minutes=1)
