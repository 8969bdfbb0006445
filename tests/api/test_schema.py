"""The API's description of itself, and the pages that need no token."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from django.contrib.staticfiles import finders
from django.core.management import call_command
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from governance.vocabulary.values import AuditVerdict, ContractStatus, JobStatus, StepStatus
from tests.api.conftest import ClientFor
from tests.api.support import API, report_body
from tests.api.test_who_may import ID, MAY
from tests.support.cast import Cast
from tests.support.stories import failed_job, judged_job, running_job


@pytest.fixture
def schema(db: None) -> dict[str, Any]:
    answer = APIClient().get(f"{API}schema/")
    assert answer.status_code == 200
    document: dict[str, Any] = yaml.safe_load(answer.content)
    return document


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, item in schema["paths"].items()
        for method, operation in item.items()
    ]


def test_schema__is_valid_openapi_3_1_without_warnings(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1")
    validate_schema(schema)
    call_command("spectacular", validate=True, fail_on_warn=True, file="/dev/null")


def test_schema__describes_exactly_the_calls_there_are(schema: dict[str, Any]) -> None:
    described = {(method, path) for method, path, _ in operations(schema)}
    assert described == {(method, API + route.replace(ID, "{id}")) for method, route in MAY}


def test_schema__of_every_call__tells_what_comes_back_and_what_is_refused(
    schema: dict[str, Any],
) -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    names = set()
    for method, path, operation in operations(schema):
        where = f"{method} {path}"
        names.add(operation["operationId"])
        assert operation["summary"], where
        assert len(operation["description"]) > 20, where
        assert operation["security"] == [{"token": []}], where
        assert any(status.startswith("2") for status in operation["responses"]), where
        refused = {s: r for s, r in operation["responses"].items() if not s.startswith("2")}
        expected = {"400", "401", "403", "429", "503"}
        expected |= {"404"} if "{id}" in path else set()
        expected |= {"409", "411", "415"} if method == "post" else set()
        assert set(refused) == expected, where
        for response in refused.values():
            assert response["content"] == {"application/problem+json": {"schema": problem}}
    assert len(names) == len(MAY)


@pytest.mark.parametrize("words", [ContractStatus, JobStatus, StepStatus, AuditVerdict])
def test_schema__names_the_closed_sets_as_the_vocabulary_does(
    schema: dict[str, Any], words: Any
) -> None:
    assert schema["components"]["schemas"][words.__name__]["enum"] == [str(w) for w in words]


def test_schema__names_no_set_by_accident(schema: dict[str, Any]) -> None:
    assert not [name for name in schema["components"]["schemas"] if name.endswith("Enum")]


def test_schema__of_request_bodies__is_closed(schema: dict[str, Any]) -> None:
    forms = {n: s for n, s in schema["components"]["schemas"].items() if n.endswith("Request")}
    assert len(forms) >= 5
    for form in forms.values():
        assert "oneOf" in form or form["additionalProperties"] is False


def test_answers__fit_the_schema(cast: Cast, client_for: ClientFor, schema: dict[str, Any]) -> None:
    viewer = client_for(cast.viewer)
    for job in (judged_job(cast), failed_job(cast)):
        for path in schema["paths"]:
            if "get" not in schema["paths"][path] or path.endswith("/events/"):
                continue  # what a stream tells is the ledger's: test_events.py
            pk = job.contract_id if "contracts" in path else job.pk
            answer = viewer.get(path.replace("{id}", str(pk)))
            assert answer.status_code == 200
            described = schema["paths"][path]["get"]["responses"]["200"]["content"]
            wanted = described["application/json"]["schema"] | {"components": schema["components"]}
            Draft202012Validator(wanted).validate(answer.json())


def test_answers__about_a_running_job__fit_the_schema(
    cast: Cast, client_for: ClientFor, schema: dict[str, Any]
) -> None:
    running = running_job(cast)
    executor = client_for(cast.executor)
    for method, name, body in (
        ("get", "", None),
        ("post", "results/", report_body(running.token)),
        ("get", "steps/", None),
    ):
        answer = getattr(executor, method)(f"{API}jobs/{running.job.pk}/{name}", body)
        described = schema["paths"][f"{API}jobs/{{id}}/{name}"][method]["responses"]
        [content] = described[str(answer.status_code)]["content"].values()
        wanted = content["schema"] | {"components": schema["components"]}
        Draft202012Validator(wanted).validate(answer.json())


def test_problem__fits_the_schema(
    cast: Cast, client_for: ClientFor, schema: dict[str, Any]
) -> None:
    wanted = schema["components"]["schemas"]["Problem"] | {"components": schema["components"]}
    for answer in (
        client_for(None).get(f"{API}jobs/"),
        client_for(cast.viewer).get(f"{API}jobs/?status=x"),
        client_for(cast.viewer).get(f"{API}nowhere/"),
    ):
        Draft202012Validator(wanted).validate(answer.json())


@pytest.mark.parametrize("accept", ["application/json", "application/vnd.oai.openapi+json"])
def test_schema__asked_for_as_json__is_json(db: None, accept: str) -> None:
    answer = APIClient().get(f"{API}schema/", HTTP_ACCEPT=accept)
    assert answer.json()["openapi"].startswith("3.1")


def test_docs__load_nothing_from_elsewhere(db: None) -> None:
    answer = APIClient().get(f"{API}docs/", HTTP_ACCEPT="text/html")
    assert answer.status_code == 200
    page = answer.content.decode()
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(links) >= 4
    assert not [link for link in links if not link.startswith("/")]
    for link in links:
        if link.startswith("/static/"):
            assert finders.find(link.removeprefix("/static/")), link
    # No script stands in the page itself, so its policy needs no exception for scripts.
    assert not re.search(r"<script(?![^>]*src=)", page)
    assert "script-src 'self';" in answer["Content-Security-Policy"]
    script = APIClient().get(f"{API}docs/?script=", HTTP_ACCEPT="*/*")
    assert script.status_code == 200
    assert script["Content-Type"].startswith("application/javascript")
    assert "://" not in script.content.decode()
    assert '"validatorUrl": null' in script.content.decode()


def test_index__names_addresses_that_answer(db: None) -> None:
    client = APIClient()
    addresses = client.get(API).json()
    assert set(addresses) == {"contracts", "jobs", "schema", "docs"}
    assert client.get(addresses["schema"]).status_code == 200
    assert client.get(addresses["contracts"]).status_code == 401
