"""Requests that could succeed: what Schemathesis makes up, with names of things that there are.

Random ids, cursors and tokens would be refused at the door, thousands of times. So ids come from
the world most of the time, cursors from a page that the API gave out, and a body that names an
execution token, a step or evidence names the right one. What is malformed on purpose stays so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zlib import crc32

import schemathesis
from django.test import Client
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.formats import get_default_format_strategies

from tests.fuzz.world import World


def use_known_values(document: dict[str, Any], world: World) -> None:
    """Let the schema's examples, and what is drawn for its ids, name things of this world."""
    ids = st.sampled_from([*world.contracts, *world.jobs])
    schemathesis.openapi.format("uuid", ids | ids | st.uuids().map(str))
    schemathesis.openapi.format("date-time", valid_times())
    for path, item in document["paths"].items():
        for operation in item.values():
            name = operation["operationId"]
            subject = world.subject_of(name, path)
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "id":
                    parameter["example"] = subject
                elif parameter["name"] == "cursor":
                    parameter["schema"]["enum"] = [_cursor(path.replace("{id}", subject), world)]
            for example, known_example in document["components"]["examples"].items():
                if example.startswith(f"{name}-request-"):
                    _fill_known_values(known_example["value"], subject, world, always=True)


def valid_times() -> st.SearchStrategy[str]:
    """Times of RFC 3339, but for the ends of the calendar: JSON Schema does not know that UTC has
    no word for 0001-01-01T00:00+01:00, and the API refuses it.
    """
    every = get_default_format_strategies()["date-time"]
    return every.filter(lambda text: "0001" < text[:4] < "9999")


def with_known_values(world: World, case: schemathesis.Case) -> schemathesis.Case:
    """Schemathesis' hook `map_case`: what is well-formed names what there is."""
    path = case.operation.path
    if "{id}" in path and not _is_malformed(case, ParameterLocation.PATH):
        others = world.jobs if "/contracts/" in path else world.contracts
        if case.path_parameters["id"] in others:
            name = case.operation.definition.raw["operationId"]
            case.path_parameters["id"] = world.subject_of(name, path)
    if "cursor" in (case.query or {}) and not _is_malformed(case, ParameterLocation.QUERY):
        case.query.pop("ordering", None)  # a cursor belongs to its ordering
    if not _is_malformed(case, ParameterLocation.HEADER):
        for condition in {"If-Match", "If-None-Match"} & set(case.headers or {}):
            # What was made up stands nowhere; `*` wherever there is anything to have a version.
            case.headers.pop(condition)
            if "{id}" in path and condition == "If-Match":
                case.headers[condition] = "*"
        if "Last-Event-ID" in (case.headers or {}):
            case.headers["Last-Event-ID"] = "0"  # no stream gave out a greater one
    if isinstance(case.body, dict) and not _is_malformed(case, ParameterLocation.BODY):
        subject = str((case.path_parameters or {}).get("id"))
        _fill_known_values(case.body, subject, world, always=False)
    return case


def _fill_known_values(body: dict[str, Any], subject: str, world: World, *, always: bool) -> None:
    """The subject's own token, step and evidence, three times in four; no end before its start."""
    known_values: dict[str, dict[str, Any]] = {
        "execution_token": world.execution_tokens,
        "step_index": world.steps_due,
        "evidence_sha256": world.evidence,
    }
    for name, known in known_values.items():
        if name in body and subject in known and (always or crc32(repr(body[name]).encode()) % 4):
            body[name] = known[subject]
    reports = body.get("results", [body])
    for report in reports if isinstance(reports, list) else []:
        if isinstance(report, dict) and {"started_at", "completed_at"} <= set(report):
            times = sorted((report["started_at"], report["completed_at"]), key=_parse_time)
            report["started_at"], report["completed_at"] = times


def _cursor(path: str, world: World) -> str:
    """One that a page of one row gives out."""
    headers = {"Authorization": f"Bearer {world.token}"}
    page = Client(headers=headers).get(path, {"page_size": 1}).json()
    [cursor] = parse_qs(urlsplit(page["next"]).query)["cursor"]
    return cursor


def _is_malformed(case: schemathesis.Case, location: ParameterLocation) -> bool:
    return case.meta is not None and case.meta.is_negative_at(location)


def _parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text.upper())
