"""Drift: what targets hold against what is recorded, its signals, and what is not compared."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.authorities.health.observed_states import replace_observed_states
from governance.authorities.health.readings import capture_health_snapshot
from governance.db.clock import database_now
from governance.domain.errors import InvalidInputError
from governance.domain.observations import DriftingValue, ObservedScope
from governance.domain.roles import MachineAccount
from governance.flows import observe_platform as flow
from governance.flows.observe_platform import (
    Agreement,
    ComparedScope,
    observe_platform,
    scopes_outside,
)
from governance.models import GovernanceSignal, ObservedState, PlatformValue
from governance.services.access.accounts import machine_account
from governance.services.registry.operations import register_capabilities
from governance.workers import tasks
from tests.support.drifting import LIMIT_30, observed_platform
from tests.support.factories import running_job
from tests.support.repositories import BareRepository
from tests.support.routing import routes_file
from tests.support.users import Users

DRIFT = '"limit" is 30 on the platform and 20 in the registry.'


@pytest.fixture
def repository(users: Users, tmp_path: Path) -> Iterator[BareRepository]:
    with observed_platform(tmp_path) as bare:
        yield bare


def compare(*names: str) -> dict[str, ComparedScope]:
    scheduler = machine_account(MachineAccount.SCHEDULER)
    return {one.scope: one for one in observe_platform(scopes_outside(names), actor=scheduler)}


def agreements(*names: str) -> dict[str, Agreement]:
    return {scope: one.agreement for scope, one in compare(*names).items()}


def signals() -> list[tuple[str, str, str, bool]]:
    return [
        (one.scope, str(one.decision), one.reason, one.superseded_at is None)
        for one in GovernanceSignal.objects.filter(signal_type="drift").order_by("id")
    ]


# --- what is compared ---
def test_platform__as_recorded__agrees_and_gets_no_signal(repository: BareRepository) -> None:
    assert agreements() == {"Billing": Agreement.AGREES, "SYSTEM": Agreement.AGREES}
    assert signals() == []
    assert set(ObservedState.objects.values_list("scope", "observer")) == {
        ("Billing", "git"),
        ("SYSTEM", "git"),
    }


def test_platform__changed_by_hand__drifts_until_it_is_set_back(repository: BareRepository) -> None:
    repository.person_sets("Billing", "limit", 30)
    compared = compare()
    assert compared["Billing"].agreement is Agreement.DRIFTS
    assert compared["Billing"].differences == [DriftingValue("limit", 20, 30)]
    assert compared["SYSTEM"].agreement is Agreement.AGREES
    assert signals() == [("Billing", "DEGRADED", DRIFT, True)]
    reading = capture_health_snapshot(scopes=["Billing"])
    assert reading is not None
    assert reading.capabilities == {"Billing": "DEGRADED"}

    compare()
    assert len(signals()) == 1, "the same drift is one signal"
    repository.person_sets("Billing", "limit", 40)
    compare()
    repository.person_sets("Billing", "limit", 20)
    compare()
    compare()
    assert [(decision, active) for _, decision, _, active in signals()] == [
        ("DEGRADED", False),
        ("DEGRADED", False),
        ("HEALTHY", True),
    ]
    state = ObservedState.objects.get(scope="Billing").state
    assert state == {"lifecycle": "LAUNCHED", "configuration": {"limit": 20}}


def test_signal__of_drift__is_recorded_by_the_scheduler(repository: BareRepository) -> None:
    repository.person_sets("SYSTEM", "region", "us")
    tasks.observe_whole_platform(0)
    [signal] = GovernanceSignal.objects.filter(signal_type="drift")
    assert (signal.scope, signal.recorded_by.username) == ("SYSTEM", "scheduler")
    assert signal.reason == '"region" is "us" on the platform and no value in the registry.'


def test_platform__that_cannot_be_read__is_unobserved_and_keeps_its_signal(
    repository: BareRepository,
) -> None:
    repository.person_sets("Billing", "limit", 30)
    compare()
    repository.person_writes("{")
    assert agreements("Billing") == {"Billing": Agreement.UNOBSERVED}
    assert signals() == [("Billing", "DEGRADED", DRIFT, True)]
    stored = ObservedState.objects.get(scope="Billing")
    assert stored.state is None
    assert "cannot be read" in stored.trouble


def test_scope__observed_in_the_registry_itself__agrees_and_is_not_stored(
    repository: BareRepository,
) -> None:
    assert agreements("Search", "Search") == {"Search": Agreement.AGREES}
    assert not ObservedState.objects.exists()


def test_scope__without_an_observer__is_unobserved_if_it_is_named(
    users: Users, settings: Any
) -> None:
    settings.GOVSITE_EXECUTION_FILE = ""
    register_capabilities(documents=[{"name": "Search"}])
    assert agreements("Search") == {"Search": Agreement.UNOBSERVED}
    assert agreements() == {}


def test_scope__that_is_not_registered__is_refused(repository: BareRepository) -> None:
    with pytest.raises(InvalidInputError, match="scope: Serach is not registered"):
        scopes_outside(["Search", "Serach"])


def test_scopes__more_than_one_call_takes__are_observed_in_parts(
    repository: BareRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "MAX_SCOPES_AT_ONCE", 1)
    repository.person_sets("SYSTEM", "region", "us")
    assert agreements() == {"Billing": Agreement.AGREES, "SYSTEM": Agreement.DRIFTS}


# --- what is not compared ---
def test_scope__on_which_a_job_runs__is_not_compared(
    users: Users, repository: BareRepository
) -> None:
    running_job(users, affected_capabilities=["Billing"], proposed_changes=[LIMIT_30])
    repository.person_sets("Billing", "limit", 30)
    assert agreements() == {"Billing": Agreement.CHANGING, "SYSTEM": Agreement.CHANGING}
    assert signals() == []


def test_scope__whose_record_changed_meanwhile__is_not_compared(
    repository: BareRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.person_sets("Billing", "limit", 30)
    real = flow.recorded_states
    reads: list[int] = []

    def read(scopes: Any) -> Any:
        reads.append(1)
        states = real(scopes)
        states["Billing"]["configuration"]["limit"] = len(reads)
        return states

    monkeypatch.setattr(flow, "recorded_states", read)
    assert agreements("Billing") == {"Billing": Agreement.CHANGING}


# --- the observed states ---
def test_observed_state__of_a_scope_that_nobody_reads_any_more__counts_no_longer(
    repository: BareRepository,
) -> None:
    repository.person_sets("Billing", "limit", 30)
    compare()
    assert PlatformValue.objects.get(scope="Billing", key="limit").value == 30
    with routes_file():
        compare()
        stored = ObservedState.objects.get(scope="Billing")
        assert (stored.state, stored.trouble) == (None, "No observer reads this scope any more.")
        assert signals()[-1] == ("Billing", "HEALTHY", stored.trouble, True)
        assert PlatformValue.objects.get(scope="Billing", key="limit").value == 20
        compare()
        assert ObservedState.objects.get(scope="Billing").observed_at == stored.observed_at


def test_observed_state__older_than_the_known_one__does_not_replace_it(users: Users) -> None:
    now = database_now()
    newer = ObservedScope("Billing", "git", {"configuration": {}}, now)
    older = ObservedScope("Billing", "http", None, now - timedelta(seconds=1), "no answer")
    replace_observed_states([newer])
    replace_observed_states([older])
    assert ObservedState.objects.get().observer == "git"
    replace_observed_states([ObservedScope("Billing", "http", None, now, "no answer")])
    stored = ObservedState.objects.get()
    assert (stored.observer, stored.state, stored.trouble) == ("http", None, "no answer")
