"""Hostile input over HTTP: every payload is sent to a field, every field gets several."""

from __future__ import annotations

from typing import Any

import pytest

from governance.api.fields import StrictSerializer
from governance.record.ledger.verification import verify_ledger
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.support.factories import running_job
from tests.support.hostile import hostile_requests, texts
from tests.support.hostile.api import api_fields
from tests.support.hostile.payloads import payloads, some_payloads
from tests.support.users import Users

# Payloads per field, different for each; `make stress` sends 300.
DAILY, SHORT = 1, 8


def test_payloads__are_many_and_the_same_on_every_run() -> None:
    catalogue = payloads()
    assert len(catalogue) >= 300
    assert len({(payload.json, payload.raw) for payload in catalogue}) >= 300
    assert [p.name for p in payloads()] == [p.name for p in catalogue]


def test_some_payloads__in_turns__leave_none_out() -> None:
    catalogue = payloads()
    met = [p.name for turn in range(100) for p in some_payloads(catalogue, SHORT, turn)]
    assert min(met.count(p.name) for p in catalogue) >= 1


def test_api_fields__hold_every_field_of_every_request_body(users: Users) -> None:
    attacked = {field.name.rsplit(" ", 1)[1] for field in api_fields(users, users.viewer)}
    declared = {name for form in StrictSerializer.__subclasses__() for name in form().fields}
    assert declared
    assert declared <= attacked, declared - attacked


@pytest.mark.parametrize("number", [DAILY, pytest.param(SHORT, marks=pytest.mark.long)])
def test_hostile_input__to_the_api__never_a_server_error(users: Users, number: int) -> None:
    figure = hostile_requests(payloads=number, parts=("api",))
    assert figure["server_errors"] == 0
    assert figure["requests"] == figure["fields"] * number
    assert figure["2xx"] > 30 * number  # the requests did reach the database
    assert figure["4xx"] > 30 * number
    if number == SHORT:
        assert figure["sent"] == figure["payloads"], "some were sent nowhere"


def test_address__with_nul__400_as_a_problem(users: Users, client_for: ClientFor) -> None:
    assert_problem(client_for(users.viewer).get(f"{API}jobs/%00/"), 400, "bad_request")


@pytest.mark.parametrize("path", ["contracts/", "nowhere/"])
@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("status=%00", 400, "invalid_parameter"),
        ("a%00=1", 400, "invalid_parameter"),
        ("&".join(["a"] * 1500), 400, "bad_request"),
        ("capability=" + "x" * 5000, 414, "address_too_long"),
    ],
)
def test_address__that_cannot_be_read__refused_as_a_problem(
    users: Users, client_for: ClientFor, path: str, query: str, status: int, code: str
) -> None:
    answer = client_for(users.viewer).get(API + path, QUERY_STRING=query)
    problem = assert_problem(answer, status, code)
    assert len(answer.content) < 2000
    if code == "invalid_parameter":
        assert problem["errors"][0]["path"] in ("status", "a\x00")


LEGAL = {name: text for name, text in texts.everything().items() if "\x00" not in text}


def test_legal_but_hostile_text__through_the_whole_chain__stays_as_it_was(
    users: Users, client_for: ClientFor
) -> None:
    reader = client_for(users.viewer)
    for name, text in list(LEGAL.items())[::4]:
        body: dict[str, Any] = {"text": text, text: [text]}
        running = running_job(users, description=text[:4000])
        running.record(running.report(0, output=body, health_after=text))
        shown = reader.get(f"{API}jobs/{running.job.pk}/steps/").json()["results"][0]["result"]
        assert (shown["output"], shown["health_after"]) == (body, text), name
        contract = reader.get(f"{API}contracts/{running.job.contract_id}/").json()
        assert contract["description"] == text[:4000].strip(), name
        sealed = running.cancel(reason=f"[{text[:3000]}]")
        evidence = reader.get(f"{API}jobs/{sealed.pk}/evidence/").json()
        assert evidence["step_results"][0]["output"] == body, name
        assert evidence["end_reason"] == f"[{text[:3000]}]", name
    assert [found.finding for found in verify_ledger() if found.finding] == []
