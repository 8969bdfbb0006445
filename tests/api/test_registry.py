"""The registry over HTTP: each value, where it came from, and whether it is verified."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import pytest

from governance.models import RegistryImport
from governance.services.registry.operations import register_capabilities
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.support.factories import finished_job
from tests.support.registry import set_value
from tests.support.users import Users


@pytest.fixture
def registry(users: Users) -> None:
    search = {"name": "Search", "configuration": {"page_size": 20}}
    register_capabilities(documents=[search, {"name": "Billing", "lifecycle": "LAUNCHED"}])


def values(client: Any, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"{API}registry/{query}")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_registry__after_an_import_and_a_job__says_where_each_value_came_from(
    users: Users, client_for: ClientFor, registry: None
) -> None:
    job = finished_job(users)
    found = {(one["scope"], one["key"]): one for one in values(client_for(users.viewer))}
    assert list(found) == [
        ("Billing", ""),
        *(("Search", key) for key in ("", "page_size", "timeout_seconds")),
    ]
    billing, page_size = found["Billing", ""], found["Search", "page_size"]
    assert (billing["value"], billing["verification"]) == ("LAUNCHED", "IMPORTED")
    assert billing["registry_import_id"] == str(RegistryImport.objects.get().pk)
    assert billing["contract_id"] is billing["job_id"] is billing["step_index"] is None
    assert (page_size["value"], page_size["verification"]) == (50, "REPORTED")
    assert page_size["contract_id"] == str(job.contract_id)
    assert (page_size["job_id"], page_size["step_index"]) == (str(job.pk), 1)
    assert page_size["registry_import_id"] is None


def test_registry__of_a_value_that_was_removed__says_null(
    users: Users, client_for: ClientFor, registry: None
) -> None:
    set_value("Search", "page_size", None)
    [removed] = values(client_for(users.viewer), "?scope=Search&fields=key,value")[1:]
    assert removed == {"key": "page_size", "value": None}


def test_registry__of_a_secret_in_clear__hides_it(
    users: Users, client_for: ClientFor, registry: None
) -> None:
    set_value("Search", "smtp_password", "hunter2")
    [hidden] = [v for v in values(client_for(users.viewer)) if v["key"] == "smtp_password"]
    assert hidden["value"] == "secret://?"


def test_registry__in_pages__has_each_value_once(
    users: Users, client_for: ClientFor, registry: None
) -> None:
    client, found, target = client_for(users.viewer), [], f"{API}registry/?page_size=1"
    while target:
        page = client.get(target).json()
        found += [(one["scope"], one["key"]) for one in page["results"]]
        target = page["next"]
    assert found == [("Billing", ""), ("Search", ""), ("Search", "page_size")]


@pytest.mark.parametrize("key", ['["Search"]', '["Search",1]', '["a\\u0000",""]', "7"])
def test_registry__with_a_forged_cursor__refused(
    users: Users, client_for: ClientFor, registry: None, key: str
) -> None:
    cursor = urlsafe_b64encode(key.encode()).decode().rstrip("=")
    answer = client_for(users.viewer).get(f"{API}registry/?cursor={cursor}")
    assert_problem(answer, 400, "invalid_input")


def test_registry__of_a_token_for_one_capability__shows_only_that(
    users: Users, client_for: ClientFor, registry: None
) -> None:
    client = client_for(users.viewer, capabilities=["Billing"])
    assert [one["scope"] for one in values(client)] == ["Billing"]
    assert values(client, "?scope=Search") == []
