"""Health: the worst of what is said now, in any order; silence is health, doubt is none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from governance.flows.activate_contract import activate_contract
from governance.health.readings import capture_health_snapshot, worst_of
from governance.health.signals import record_signal
from governance.models import GovernanceSignal, HealthSnapshot
from governance.vocabulary.errors import ContractActivationError, InvalidInputError
from governance.vocabulary.values import HealthDecision, HealthReading
from tests.support.attacks import nothing_written, refused_by, run_sql
from tests.support.cast import Cast
from tests.support.roles import as_owner
from tests.support.stories import approved, now, pending_job

HEALTHY, DEGRADED, BLOCKED = HealthDecision.HEALTHY, HealthDecision.DEGRADED, HealthDecision.BLOCKED
WORST_LAST = [HEALTHY, DEGRADED, BLOCKED]


def say(cast: Cast, scope: str, decision: HealthDecision, signal_type: str = "errors") -> Any:
    return record_signal(
        scope=scope,
        signal_type=signal_type,
        decision=decision,
        reason="A monitor said so.",
        actor=cast.operator,
        at=now(),
    )


def read(*scopes: str) -> HealthReading:
    reading = capture_health_snapshot(scopes=scopes, at=now())
    assert reading is not None
    return reading


@given(st.permutations([HEALTHY, HEALTHY, DEGRADED, DEGRADED, BLOCKED]), st.integers(0, 5))
def test_worst_of__in_any_order__the_worst_that_is_said(
    decisions: list[HealthDecision], count: int
) -> None:
    said = decisions[:count]
    expected = next((d for d in reversed(WORST_LAST) if d in said), HEALTHY)
    assert worst_of(said) is expected


@pytest.mark.parametrize("order", [WORST_LAST, WORST_LAST[::-1], [DEGRADED, BLOCKED, HEALTHY]])
def test_reading__the_same_signals_in_any_order__the_same(
    cast: Cast, order: list[HealthDecision]
) -> None:
    for decision in order:
        say(cast, "Search", decision, signal_type=f"monitor of {decision}")
    assert read("Search").capabilities == {"Search": BLOCKED}


def test_reading__of_silence__healthy(cast: Cast) -> None:
    reading = read("Search", "Billing")
    assert (reading.system, reading.signals) == (HEALTHY, ())
    assert reading.capabilities == {"Billing": HEALTHY, "Search": HEALTHY}
    assert reading.blocking_scopes() == []


def test_reading__of_one_scope__leaves_the_others_out(cast: Cast) -> None:
    say(cast, "Billing", BLOCKED)
    reading = read("Search")
    assert (reading.capabilities, reading.signals) == ({"Search": HEALTHY}, ())


def test_reading__of_the_system__is_its_own_and_no_capabilitys(cast: Cast) -> None:
    say(cast, "Search", BLOCKED)
    assert read("Search").system is HEALTHY
    assert read("Search").blocking_scopes() == ["Search"]
    say(cast, "SYSTEM", BLOCKED)
    assert read("Search", "Billing").blocking_scopes() == ["SYSTEM", "Search"]
    assert read("Billing").capabilities == {"Billing": HEALTHY}


def test_reading__of_a_contract_on_the_system__counts_it_once(cast: Cast) -> None:
    say(cast, "SYSTEM", BLOCKED)
    assert read("SYSTEM").blocking_scopes() == ["SYSTEM"]


def test_signal__superseded__no_longer_counts_and_stays_on_record(cast: Cast) -> None:
    first = say(cast, "Search", BLOCKED)
    second = say(cast, "Search", HEALTHY)
    assert read("Search").capabilities == {"Search": HEALTHY}
    assert [signal["decision"] for signal in read("Search").signals] == ["HEALTHY"]
    kept = GovernanceSignal.objects.get(pk=first.pk)
    assert (kept.decision, kept.superseded_at) == ("BLOCKED", second.recorded_at)


def test_signal__of_another_type__supersedes_nothing(cast: Cast) -> None:
    say(cast, "Search", BLOCKED, signal_type="errors")
    say(cast, "Search", HEALTHY, signal_type="latency")
    assert read("Search").capabilities == {"Search": BLOCKED}


@pytest.mark.parametrize(
    ("field", "value"), [("scope", " "), ("signal_type", ""), ("reason", ""), ("scope", "s" * 201)]
)
def test_signal__without_its_words__refused(cast: Cast, field: str, value: str) -> None:
    words: dict[str, Any] = {"scope": "Search", "signal_type": "errors", "reason": "Why."}
    with nothing_written(), pytest.raises(InvalidInputError) as caught:
        record_signal(**(words | {field: value}), decision=BLOCKED, actor=cast.operator, at=now())
    assert caught.value.errors[0]["path"] == field


def test_raw_sql__against_a_signal__refused(cast: Cast) -> None:
    signal = say(cast, "Search", BLOCKED)
    for assignment in ("decision = 'HEALTHY'", "scope = 'Other'", "reason = ''"):
        with refused_by("signal_history_kept"):
            run_sql(f"UPDATE governance_governancesignal SET {assignment} WHERE id = %s", signal.pk)
    with refused_by("signal_never_removed"):
        run_sql("DELETE FROM governance_governancesignal")
    say(cast, "Search", HEALTHY)
    with refused_by("signal_history_kept"):
        run_sql("UPDATE governance_governancesignal SET superseded_at = NULL")


def test_reading__taken__writes_nothing(cast: Cast) -> None:
    say(cast, "Search", DEGRADED)
    with nothing_written():
        read("Search")


class BrokenProvider:
    def capture(self, **_: Any) -> HealthReading:
        raise ConnectionError("The monitor is away.")


@pytest.fixture
def broken_provider(settings: Any) -> None:
    provider = f"{__name__}.{BrokenProvider.__name__}"
    settings.GOVERNANCE = settings.GOVERNANCE | {"HEALTH_PROVIDER": provider}


def test_reading__from_a_provider_that_raises__none(broken_provider: None) -> None:
    assert capture_health_snapshot(scopes=["Search"], at=now()) is None


class CutsTheLine:
    def capture(self, **_: Any) -> HealthReading:
        with as_owner():
            run_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        raise AssertionError("unreachable: the server hung up")


def test_reading__when_our_own_database_goes__is_not_unknown_health_but_says_so(
    committed: Cast, settings: Any
) -> None:
    contract = approved(committed)
    cuts = f"{__name__}.{CutsTheLine.__name__}"
    settings.GOVERNANCE = settings.GOVERNANCE | {"HEALTH_PROVIDER": cuts}
    with pytest.raises(OperationalError):
        activate_contract(contract_id=contract.pk, actor=committed.operator, at=now())
    connection.close()


def test_activation__when_nobody_can_tell__refused(
    cast: Cast, settings: Any, request: pytest.FixtureRequest
) -> None:
    contract = approved(cast)
    request.getfixturevalue("broken_provider")
    with nothing_written(), pytest.raises(ContractActivationError) as caught:
        activate_contract(contract_id=contract.pk, actor=cast.operator, at=now())
    assert caught.value.code == "health_unknown"


def test_reading__that_takes_too_long__none_and_the_session_goes_on(
    committed: Cast, settings: Any
) -> None:
    settings.GOVERNANCE = settings.GOVERNANCE | {"HEALTH_TIMEOUT_SECONDS": 0.2}
    before = run_sql("SHOW statement_timeout")
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("LOCK TABLE governance_governancesignal IN ACCESS EXCLUSIVE MODE")
        assert capture_health_snapshot(scopes=["Search"], at=now()) is None
        with transaction.atomic():
            assert capture_health_snapshot(scopes=["Search"], at=now()) is None
            assert run_sql("SHOW statement_timeout") == before
    with transaction.atomic():
        assert capture_health_snapshot(scopes=["Search"], at=now()) is not None
        assert run_sql("SHOW statement_timeout") == before
    assert capture_health_snapshot(scopes=["Search"], at=now()) is not None
    assert run_sql("SHOW statement_timeout") == before


def test_snapshot__before_a_job__keeps_the_reading_as_it_was(cast: Cast) -> None:
    signal = say(cast, "Search", DEGRADED)
    job = pending_job(cast)
    say(cast, "Search", HEALTHY)
    reading = HealthSnapshot.objects.get(job=job, phase="BEFORE").reading
    assert reading["capabilities"] == {"Search": "DEGRADED"}
    assert [said["reason"] for said in reading["signals"]] == [signal.reason]
    assert job.created_at - signal.recorded_at < timedelta(minutes=1)
