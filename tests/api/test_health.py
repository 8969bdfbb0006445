"""The platform's health over HTTP: an executor asks it before each step."""

from __future__ import annotations

from typing import Any

import pytest

from governance.authorities.health.failures import record_failures
from governance.domain.health import HealthTrouble, UnknownHealth
from governance.domain.values import HealthDecision
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.support.factories import now
from tests.support.platform import Broken, signal
from tests.support.users import Users

UNKNOWN: dict[str, Any] = {
    "known": False,
    "observed_at": None,
    "system": None,
    "capabilities": None,
    "signals": None,
    "troubles": [{"scope": None, "reason": "The health provider failed: ConnectionError."}],
}


def health(client: Any, query: str = "") -> Any:
    return client.get(f"{API}health/{query}")


def test_health__without_signals__is_healthy(users: Users, client_for: ClientFor) -> None:
    answer = health(client_for(users.executor), "?scope=Search").json()
    assert (answer["known"], answer["system"]) == (True, "HEALTHY")
    assert (answer["capabilities"], answer["signals"]) == ({"Search": "HEALTHY"}, [])


def test_health__with_signals__is_the_worst_of_its_own_with_reasons(
    users: Users, client_for: ClientFor
) -> None:
    signal(users, HealthDecision.DEGRADED, "Search")
    signal(users, HealthDecision.BLOCKED, "Search", "errors")
    signal(users, HealthDecision.BLOCKED, "Other")
    answer = health(client_for(users.executor), "?scope=Search").json()
    assert (answer["system"], answer["capabilities"]) == ("HEALTHY", {"Search": "BLOCKED"})
    assert {one["signal_type"] for one in answer["signals"]} == {"latency", "errors"}
    assert {one["reason"] for one in answer["signals"]} == {"p95 over two seconds"}


def test_health__of_no_scope__is_the_systems_alone(users: Users, client_for: ClientFor) -> None:
    signal(users, HealthDecision.BLOCKED, "SYSTEM")
    answer = health(client_for(users.viewer)).json()
    assert (answer["system"], answer["capabilities"]) == ("BLOCKED", {})


def test_health__that_cannot_be_read__is_unknown(
    users: Users, client_for: ClientFor, settings: Any
) -> None:
    provider = f"{Broken.__module__}.{Broken.__qualname__}"
    settings.GOVSITE = settings.GOVSITE | {"HEALTH_PROVIDER": provider}
    answer = health(client_for(users.executor), "?scope=Search").json()
    [failure] = answer.pop("recent_failures")
    assert answer == UNKNOWN
    assert failure["reason"] == UNKNOWN["troubles"][0]["reason"]
    assert failure["observed_at"]


def test_health__that_could_not_be_read_before__lists_the_failures_of_its_scopes(
    users: Users, client_for: ClientFor
) -> None:
    troubles = [HealthTrouble(scope, "Late.") for scope in ("Search", "Billing", "SYSTEM")]
    record_failures(UnknownHealth(now(), tuple(troubles)))
    answer = health(client_for(users.executor), "?scope=Search").json()
    assert (answer["known"], answer["troubles"]) == (True, [])
    assert {one["scope"] for one in answer["recent_failures"]} == {"Search", "SYSTEM"}


@pytest.mark.parametrize("query", ["?scope=%00", "?scope=" + "x" * 201, "?at=now", "?scope="])
def test_health__of_what_is_no_name__refused(
    users: Users, client_for: ClientFor, query: str
) -> None:
    problem = assert_problem(health(client_for(users.viewer), query), 400, "invalid_parameter")
    assert problem["errors"]


def test_health__outside_the_scope_of_the_token__refused(
    users: Users, client_for: ClientFor
) -> None:
    client = client_for(users.executor, capabilities=["Payments"])
    assert_problem(health(client, "?scope=Search"), 400, "invalid_parameter")
    assert health(client, "?scope=Payments").status_code == 200
