"""Observed where there is one: what the platform holds counts before what is recorded."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from governance.authorities.health.observed_states import replace_observed_states
from governance.authorities.orchestrator.job_state import read_contract
from governance.db.clock import database_now
from governance.domain.changes import parse_changes
from governance.domain.errors import PlatformChangedError
from governance.domain.observations import ObservedScope
from governance.domain.values import ContractStatus
from governance.flows.activate_contract import activate_contract
from governance.models import PlatformValue, RegistryChange, RegistryValue, SystemContract
from governance.services.registry.operations import register_capabilities
from governance.services.registry.queries import platform_state_for
from tests.support import registry
from tests.support.factories import THREE_CHANGES, approved, eligible, reloaded
from tests.support.users import Users

VALUES = {"page_size": 20, "timeout_seconds": 9, "password": "secret://db"}


@pytest.fixture
def search(users: Users) -> None:
    register_capabilities(
        documents=[{"name": "Search", "lifecycle": "DISABLED", "configuration": VALUES}]
    )


def observe(
    *, lifecycle: str = "DISABLED", at: datetime | None = None, trouble: str = "", **values: Any
) -> None:
    """Store what Search held at a time, by default now; a value of None is absent."""
    held = {key: one for key, one in (VALUES | values).items() if one is not None}
    state = {"lifecycle": lifecycle, "configuration": held}
    replace_observed_states(
        [ObservedScope("Search", "git", None if trouble else state, at or database_now(), trouble)]
    )


def value_of(key: str) -> Any:
    """Return the value that counts, as Python and as an activation reads it."""
    state = platform_state_for(parse_changes(THREE_CHANGES))
    return state.configuration.get(("Search", key)) if key else state.lifecycles["Search"]


def before_the_import() -> datetime:
    return RegistryChange.objects.earliest("id").changed_at - timedelta(seconds=1)


# --- which value counts ---
@pytest.mark.usefixtures("search")
@pytest.mark.parametrize(
    ("seen", "key", "counts"),
    [
        ({"page_size": 30}, "page_size", 30),
        ({"page_size": None}, "page_size", None),
        ({"more": [1]}, "more", [1]),
        ({"lifecycle": "LAUNCHED"}, "", "LAUNCHED"),
        ({"page_size": 30, "trouble": "no answer"}, "page_size", 20),
        ({"more": [1], "trouble": "no answer"}, "more", None),
        ({"password": "hmac-sha256:00"}, "password", "secret://db"),
        ({"password": "secret://?"}, "password", "secret://db"),
        ({"password": {"all": ["secret://?"]}}, "password", "secret://db"),
        ({"password": "secret://other"}, "password", "secret://other"),
    ],
)
def test_value__observed_since_it_was_recorded__counts(
    seen: dict[str, Any], key: str, counts: Any
) -> None:
    observe(**seen)
    assert value_of(key) == counts


@pytest.mark.usefixtures("search")
def test_value__recorded_since_it_was_observed__counts_as_recorded() -> None:
    observe(at=before_the_import(), page_size=30, lifecycle="LAUNCHED")
    assert (value_of("page_size"), value_of("")) == (20, "DISABLED")
    assert not PlatformValue.objects.drifting().exists()


@pytest.mark.usefixtures("search")
def test_key__removed_since_it_was_observed__has_no_value() -> None:
    observe(at=before_the_import() + timedelta(seconds=1, microseconds=1))
    registry.set_value("Search", "page_size", None)
    assert value_of("page_size") is None
    observe(page_size=20)
    assert value_of("page_size") == 20


@pytest.mark.usefixtures("search")
def test_scope__never_observed__has_its_recorded_values() -> None:
    assert (value_of("page_size"), value_of("")) == (20, "DISABLED")
    [value] = RegistryValue.objects.filter(key="page_size")
    assert (value.value, value.observed_value, value.observed_at) == (20, None, None)


# --- where it drifts ---
@pytest.mark.usefixtures("search")
def test_drift__is_each_value_that_is_another_one() -> None:
    observe(page_size=30, timeout_seconds=9.0, password=None, more=True, lifecycle="PREVIEW")
    drifting = PlatformValue.objects.drifting().order_by("key")
    assert list(drifting.values_list("key", "recorded", "observed")) == [
        ("", "DISABLED", "PREVIEW"),
        ("more", None, True),
        ("page_size", 20, 30),
        ("password", "secret://db", None),
    ]
    [value] = RegistryValue.objects.filter(key="page_size")
    assert (value.value, value.observed_value) == (20, 30)
    assert [str(one) for one in drifting[:2]] == ["Search", "Search.more"]


# --- what uses it ---
def activate(users: Users, contract: SystemContract) -> Any:
    return activate_contract(contract_id=contract.pk, actor=users.operator)


@pytest.mark.usefixtures("search")
@pytest.mark.parametrize(
    ("seen", "name", "was", "now"),
    [
        ({"page_size": 30}, "Search · page_size", "20", "30"),
        ({"page_size": None}, "Search · page_size", "20", "null"),
        ({"lifecycle": "PREVIEW"}, "Lifecycle of Search", "DISABLED", "PREVIEW"),
    ],
)
def test_activation__of_a_setting_that_drifted__is_refused_with_the_observed_value(
    users: Users, seen: dict[str, Any], name: str, was: str, now: str
) -> None:
    contract = approved(users)
    observe(**seen)
    with pytest.raises(PlatformChangedError) as refusal:
        activate(users, contract)
    assert refusal.value.details["changed"] == [
        {"place": name, "by": "founder", "signed": was, "current": now}
    ]
    observe()
    activate(users, contract)
    assert reloaded(contract).status == ContractStatus.ACTIVE


@pytest.mark.usefixtures("search")
def test_activation__signed_with_the_observed_value__passes(users: Users) -> None:
    observe(page_size=30, lifecycle="PREVIEW")
    contract = approved(users)
    state = read_contract(contract.pk).platform
    assert (state.lifecycles, state.configuration["Search", "page_size"]) == (
        {"Search": "PREVIEW"},
        30,
    )
    activate(users, contract)


@pytest.mark.usefixtures("search")
def test_plan__of_a_setting_that_drifts__restores_what_the_platform_held(users: Users) -> None:
    observe(page_size=30, lifecycle="PREVIEW")
    plan = eligible(users).plan
    assert plan[1]["rollback_action"]["new_value"] == 30
    assert plan[0]["rollback_action"]["target_lifecycle"] == "PREVIEW"
