"""The OpenAPI schema and the pages that need no token."""

from __future__ import annotations

import hashlib
import re
from copy import deepcopy
from functools import cache
from inspect import getmembers
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.staticfiles import finders
from django.core.management import call_command
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator, FormatChecker
from rest_framework import exceptions

from governance.api import errors as api_errors
from governance.api.contracts import ContractViewSet
from governance.api.declared_errors import ERRORS_OF_EVERY_CALL, ERRORS_OF_EVERY_POST
from governance.api.freezes import FreezeViewSet
from governance.api.jobs import JobViewSet
from governance.api.openapi import examples_of_success
from governance.api.pages import EMPTY_IMAGE
from governance.domain.canonical import digest
from governance.domain.errors import GovernanceError, NotFoundError, every_error
from governance.domain.values import AuditVerdict, ContractStatus, JobStatus, StepStatus
from tests.api.generate_examples import record_examples
from tests.api.reference import DOCS, FILES, callers_by_error, schema_file, stale_files
from tests.api.support import API
from tests.api.test_who_may import ID, MAY
from tests.support.clients import ApiClient
from tests.unit.test_errors import SHARED_CODES


@pytest.fixture
def schema(db: None) -> dict[str, Any]:
    return deepcopy(_served_schema())


@cache
def _served_schema() -> dict[str, Any]:
    """Return the schema, cached because it depends on code only and is slow to generate."""
    answer = ApiClient().get(f"{API}schema/")
    assert answer.status_code == 200
    document: dict[str, Any] = yaml.safe_load(answer.content)
    return document


DECLARED = {(error.code, error.http_status) for error in every_error()}
READ_ON_CONDITION = ("get_contract", "get_job")


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


def test_schema__of_every_call__describes_responses_and_errors(
    schema: dict[str, Any],
) -> None:
    names = set()
    for method, path, operation in operations(schema):
        where = f"{method} {path}"
        names.add(operation["operationId"])
        assert operation["summary"], where
        assert len(operation["description"]) > 20, where
        assert operation["security"] == [{"token": []}], where
        assert any(status.startswith("2") for status in operation["responses"]), where
        refused = {s: r for s, r in operation["responses"].items() if s >= "4"}
        expected = {"400", "401", "403", "406", "411", "414", "415", "429", "500", "503"}
        expected |= {"404"} if "{id}" in path else set()
        expected |= {"409", "422"} if method == "post" else set()
        # Only a contract and its ledger can be archived and removed.
        expected |= {"410"} if method == "get" and "contracts/{id}" in path else set()
        is_held = method == "post" or operation["operationId"] in READ_ON_CONDITION
        expected |= {"412"} if is_held else set()
        assert set(refused) == expected, where
        for status, response in refused.items():
            [content] = _resolved(schema, response)["content"].items()
            assert content[0] == "application/problem+json"
            problem, narrowed = content[1]["schema"]["allOf"]
            assert problem == {"$ref": "#/components/schemas/Problem"}
            assert narrowed["properties"]["status"] == {"const": int(status)}
            codes = narrowed["properties"]["code"]["enum"]
            assert {(code, int(status)) for code in codes} <= DECLARED
            assert set(content[1]["examples"]) == set(codes)
    assert len(names) == len(MAY)


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        _, kind, name = part["$ref"].removeprefix("#/").split("/")
        part = schema["components"][kind][name]
    return part


def test_declared_errors__of_an_action__are_not_those_of_every_call() -> None:
    for viewset in (ContractViewSet, JobViewSet, FreezeViewSet):
        for name, action in getmembers(viewset):
            own = getattr(action, "errors", ())
            is_post = hasattr(action, "is_idempotent")
            common = {*ERRORS_OF_EVERY_CALL, *(ERRORS_OF_EVERY_POST if is_post else ())}
            assert not common.intersection(own), name
            assert len(set(own)) == len(own), name


def test_declared_errors__every_error_of_http__is_returned_by_a_call(
    schema: dict[str, Any],
) -> None:
    returned = callers_by_error(schema)
    of_http = {error for error in every_error() if error.__module__ == api_errors.__name__}
    assert {error for error in of_http if (error.http_status, error.code) not in returned} == set()


@pytest.mark.parametrize(
    ("drf_error", "declared"),
    [
        (exceptions.NotAuthenticated, api_errors.NotAuthenticatedError),
        (exceptions.AuthenticationFailed, api_errors.UnknownTokenError),
        (exceptions.PermissionDenied, api_errors.PermissionDeniedError),
        (exceptions.NotFound, NotFoundError),
        (exceptions.MethodNotAllowed, api_errors.MethodNotAllowedError),
        (exceptions.NotAcceptable, api_errors.NotAcceptableError),
        (exceptions.UnsupportedMediaType, api_errors.UnsupportedMediaTypeError),
        (exceptions.Throttled, api_errors.ThrottledError),
    ],
)
def test_error__that_drf_raises__has_the_declared_code_and_status(
    drf_error: type[exceptions.APIException], declared: type[GovernanceError]
) -> None:
    assert (drf_error.default_code, drf_error.status_code) == (declared.code, declared.http_status)


def test_docs_errors__has_every_declared_code_once_or_once_outside_the_api() -> None:
    api, others = (DOCS / "errors.md").read_text(encoding="utf-8").split("## Commands and pages")
    listed = re.findall(r"^\| `(\w+)` \|", api, re.MULTILINE)
    other = re.findall(r"^\| `(\w+)` \|", others, re.MULTILINE)
    assert {*listed, *other} == {error.code for error in every_error()}
    assert len(set(listed)) == len(listed)
    assert {*listed} & {*other} == SHARED_CODES


def test_schema__of_every_call__has_examples_that_fit(schema: dict[str, Any]) -> None:
    for method, path, operation in operations(schema):
        where = f"{method} {path}"
        parts = [_resolved(schema, answer) for answer in operation["responses"].values()]
        body = operation.get("requestBody")
        for part in [*parts, body] if body else parts:
            for media_type, media in part.get("content", {}).items():
                if not media_type.endswith("json"):
                    continue
                assert media["examples"], where
                wanted = media["schema"] | {"components": schema["components"]}
                validator = Draft202012Validator(wanted, format_checker=FormatChecker())
                for example in media["examples"].values():
                    validator.validate(_resolved(schema, example)["value"])
        for parameter in operation.get("parameters", ()):
            assert "example" in parameter or parameter["in"] != "path", where


def test_examples__match_a_new_recording(db: None) -> None:
    assert _shape(record_examples()) == _shape(examples_of_success()), "run `make examples`"


def _shape(value: Any) -> Any:
    """Return the value with each leaf replaced by the name of its type."""
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_shape(inner) for inner in value]
    return type(value).__name__


def test_examples__are_of_one_contract_that_verifies() -> None:
    examples = examples_of_success()
    [entries] = examples["list_ledger_entries"]["200"].values()
    previous = "00" * 32
    for entry in entries["results"]:
        previous = hashlib.sha256(bytes.fromhex(previous) + entry["body"].encode()).hexdigest()
        assert entry["hash"] == previous
    [evidence] = examples["get_evidence"]["200"].values()
    assert digest(evidence) == examples["get_job"]["200"]["ended"]["evidence_sha256"]
    ids = {part["id"] for name, part in examples.items() if "id" in part}
    assert ids == {evidence["job_id"], evidence["contract_id"]}


def test_committed_files__are_what_the_code_says() -> None:
    assert list(stale_files(DOCS)) == []


def test_description__made_twice__is_the_same() -> None:
    assert schema_file() == schema_file()


def test_committed_files__stale__are_named_with_what_differs(tmp_path: Path) -> None:
    for name, made in FILES.items():
        (tmp_path / name).write_text(made())
    stale = tmp_path / "errors.md"
    stale.write_text(stale.read_text().replace("`busy`", "`lazy`"))
    [message] = stale_files(tmp_path)
    assert "errors.md is stale: run `make schema`" in message
    assert "-| `lazy`" in message
    (tmp_path / "openapi.yaml").unlink()
    assert len(list(stale_files(tmp_path))) == 2


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


@pytest.mark.parametrize("accept", ["application/json", "application/vnd.oai.openapi+json"])
def test_schema__asked_for_as_json__is_json(db: None, accept: str) -> None:
    answer = ApiClient().get(f"{API}schema/", HTTP_ACCEPT=accept)
    assert answer.json()["openapi"].startswith("3.1")


def test_docs__load_nothing_from_elsewhere(db: None) -> None:
    answer = ApiClient().get(f"{API}docs/", HTTP_ACCEPT="text/html")
    assert_page_is_our_own(answer, least=4)
    script = ApiClient().get(f"{API}docs/?script=", HTTP_ACCEPT="*/*")
    assert script.status_code == 200
    assert script["Content-Type"].startswith("application/javascript")
    assert "://" not in script.content.decode()
    assert '"validatorUrl": null' in script.content.decode()


def test_redoc__loads_nothing_from_elsewhere(db: None) -> None:
    answer = ApiClient().get(f"{API}redoc/", HTTP_ACCEPT="text/html")
    assert_page_is_our_own(answer, least=2)
    assert "worker-src blob:" in answer["Content-Security-Policy"]
    script = ApiClient().get(f"{API}redoc/?script=", HTTP_ACCEPT="*/*")
    assert script["Content-Type"].startswith("text/javascript")
    assert len(script.content) > 500_000
    assert b"redoc.ly/redoc/logo" not in script.content
    assert script.content.count(EMPTY_IMAGE) == 1, "Redoc asks for its logo at another address now."


def assert_page_is_our_own(answer: Any, *, least: int) -> None:
    assert answer.status_code == 200
    page = answer.content.decode()
    links = re.findall(r'(?:src|href|spec-url)="([^"]+)"', page)
    assert len(links) >= least
    assert not [link for link in links if not link.startswith(("/", "?"))]
    assert not [link for link in links if link.startswith("//")]
    for link in links:
        if link.startswith("/static/"):
            assert finders.find(link.removeprefix("/static/")), link
    # The page has no inline script, so its content security policy needs no exception.
    assert not re.search(r"<script(?![^>]*src=)", page)
    assert "script-src 'self';" in answer["Content-Security-Policy"]
    assert "default-src 'none';" in answer["Content-Security-Policy"]


def test_index__names_addresses_that_answer(db: None) -> None:
    client = ApiClient()
    addresses = client.get(API).json()
    assert set(addresses) == {
        *("contracts", "jobs", "freezes", "health", "registry", "schema", "docs", "redoc")
    }
    assert client.get(addresses["schema"]).status_code == 200
    for resource in ("contracts", "jobs", "freezes", "health", "registry"):
        assert client.get(addresses[resource]).status_code == 401
