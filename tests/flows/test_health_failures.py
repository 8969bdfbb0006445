"""Tests of failed readings of health, each of which is recorded with its reason."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from governance.authorities.health.failures import recent_health_failures, record_failures
from governance.authorities.health.readings import read_health
from governance.db.transactions import keep_after_rollback, write_transaction
from governance.domain.errors import HealthUnknownError
from governance.domain.health import HealthTrouble, UnknownHealth
from governance.flows.activate_contract import activate_contract
from governance.models import HealthFailure
from tests.support.attacks import insert_row, run_sql, violates_constraint
from tests.support.clock import clock_at, now
from tests.support.factories import approved
from tests.support.platform import Broken
from tests.support.users import Users

FAILURE = "governance_healthfailure"


@pytest.fixture
def broken(settings: Any) -> None:
    provider = f"{Broken.__module__}.{Broken.__name__}"
    settings.GOVSITE = settings.GOVSITE | {"HEALTH_PROVIDER": provider}


def failed(*troubles: tuple[str, str]) -> UnknownHealth:
    return UnknownHealth(now(), tuple(HealthTrouble(*one) for one in troubles))


def recorded() -> list[tuple[str, str]]:
    return list(HealthFailure.objects.order_by("id").values_list("scope", "reason"))


def test_reading__that_fails__is_recorded_with_its_reason(users: Users, broken: None) -> None:
    at = now()
    read_health(scopes=["Search"])
    [failure] = HealthFailure.objects.all()
    assert (failure.scope, failure.reason) == ("", "The health provider failed: ConnectionError.")
    assert timedelta(0) <= failure.observed_at - at < timedelta(minutes=1)
    assert str(failure) == failure.reason


def test_reading__that_succeeds__records_nothing(users: Users) -> None:
    read_health(scopes=["Search"])
    assert recorded() == []


def test_activation__refused_for_unknown_health__leaves_the_reason(
    users: Users, settings: Any, request: pytest.FixtureRequest
) -> None:
    contract = approved(users)
    request.getfixturevalue("broken")
    with pytest.raises(HealthUnknownError) as caught:
        activate_contract(contract_id=contract.pk, actor=users.operator)
    reason = "The health provider failed: ConnectionError."
    assert str(caught.value) == f"The platform's health is unknown. {reason}"
    assert caught.value.details == {"troubles": [{"scope": None, "reason": reason}]}
    assert recorded() == [("", "The health provider failed: ConnectionError.")]


def test_same_failure__within_ten_minutes__is_recorded_once(users: Users) -> None:
    at = now()
    for minutes in (0, 5, 9, 10, 15):
        with clock_at(at + timedelta(minutes=minutes)):
            record_failures(failed(("Search", "Late."), ("Search", "Late.")))
    times = HealthFailure.objects.order_by("id").values_list("observed_at", flat=True)
    assert list(times) == [at, at + timedelta(minutes=10)]


def test_failures__that_differ__are_all_recorded(users: Users) -> None:
    record_failures(failed(("Search", "Late."), ("SYSTEM", "Late."), ("Search", "Refused.")))
    record_failures(failed(("Billing", "Late."), ("Search", "Late.")))
    assert recorded() == [
        ("Search", "Late."),
        ("SYSTEM", "Late."),
        ("Search", "Refused."),
        ("Billing", "Late."),
    ]
    assert str(HealthFailure.objects.latest("id")) == "Billing: Late."


def test_long_reason__is_cut(users: Users) -> None:
    for _ in range(2):
        record_failures(failed(("Search", "x" * 1000)))
    [(_, reason)] = recorded()
    assert (len(reason), reason[-1]) == (300, "…")


def test_recent_failures__are_those_of_a_day_and_of_the_scopes(users: Users) -> None:
    at = now()
    with clock_at(at - timedelta(hours=25)):
        record_failures(failed(("Search", "Long ago.")))
    record_failures(failed(("Search", "Late."), ("Billing", "Late."), ("", "No file.")))
    assert [one.scope for one in recent_health_failures()] == ["", "Billing", "Search"]
    assert [one.scope for one in recent_health_failures(["Search"])] == ["", "Search"]


class TestHealthFailureInPostgres:
    @pytest.mark.parametrize(
        "attack",
        [f"UPDATE {FAILURE} SET reason = 'Fine.'", f"DELETE FROM {FAILURE}", f"TRUNCATE {FAILURE}"],
    )
    def test_sql__against_a_failure__refused(self, users: Users, attack: str) -> None:
        record_failures(failed(("Search", "Late.")))
        with violates_constraint("health_failure_append_only"):
            run_sql(attack)

    @pytest.mark.parametrize("seconds", [-31, 31])
    def test_sql_insert__of_another_time__refused(self, users: Users, seconds: int) -> None:
        with violates_constraint("time_is_current"):
            insert_row(
                FAILURE,
                scope="Search",
                reason="Late.",
                observed_at=now() + timedelta(seconds=seconds),
            )

    def test_sql_insert__without_a_reason__refused(self, users: Users) -> None:
        with violates_constraint("health_failure_has_reason"):
            insert_row(FAILURE, scope="Search", reason="", observed_at=now())


# --- what outlives a rollback ---
def refuse_in_a_transaction(*, nested: bool = False) -> None:
    with write_transaction():
        if nested:
            with suppress(HealthUnknownError):
                refuse_in_a_transaction()
        else:
            read_health(scopes=["Search"])
        raise HealthUnknownError("Nobody can tell.")


@pytest.mark.parametrize("nested", [False, True])
def test_failure__in_a_transaction_that_is_rolled_back__stays(
    committed: Users, broken: None, nested: bool
) -> None:
    with pytest.raises(HealthUnknownError):
        refuse_in_a_transaction(nested=nested)
    assert recorded() == [("", "The health provider failed: ConnectionError.")]


def test_failure__in_a_transaction_that_commits__is_recorded_once(
    committed: Users, broken: None
) -> None:
    with write_transaction(), write_transaction():
        read_health(scopes=["Search"])
    assert len(recorded()) == 1


def test_error__keeps_its_own_reason_when_the_failure_cannot_be_recorded(
    committed: Users,
) -> None:
    calls: list[int] = []

    def write() -> None:
        calls.append(len(calls))
        if len(calls) > 1:
            raise OperationalError("The database went away.")

    def refuse() -> None:
        with write_transaction():
            keep_after_rollback(write)
            raise HealthUnknownError("Nobody can tell.")

    with pytest.raises(HealthUnknownError):
        refuse()
    assert calls == [0, 1]
