"""Replacement of random values by existing ones, so that generated requests can succeed.

Nearly all requests with random ids, cursors and tokens would be refused at once. So most ids are of
existing contracts and jobs, cursors are of real pages, and a body gets the right execution token,
step and evidence. Values that Schemathesis made invalid on purpose are not replaced.
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
    """Put existing values into the examples of the schema and into the strategies for its ids."""
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
    """Return a strategy for times of RFC 3339 without the first and the last year.

    JSON Schema allows 0001-01-01T00:00+01:00, but it has no value in UTC, so the API refuses it.
    """
    every = get_default_format_strategies()["date-time"]
    return every.filter(lambda text: "0001" < text[:4] < "9999")


def with_known_values(world: World, case: schemathesis.Case) -> schemathesis.Case:
    """Replace valid values of a case by existing ones; used as the hook `map_case`."""
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
            # A random ETag never matches; `*` matches every contract and job.
            case.headers.pop(condition)
            if "{id}" in path and condition == "If-Match":
                case.headers[condition] = "*"
        if "Last-Event-ID" in (case.headers or {}):
            case.headers["Last-Event-ID"] = "0"  # an id beyond the last event is refused
    if isinstance(case.body, dict) and not _is_malformed(case, ParameterLocation.BODY):
        subject = str((case.path_parameters or {}).get("id"))
        _fill_known_values(case.body, subject, world, always=False)
    return case


def _fill_known_values(body: dict[str, Any], subject: str, world: World, *, always: bool) -> None:
    """Fill in the token, step and evidence of the subject in three of four cases; sort the times.

    With `always`, in every case.
    """
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
    """Return the cursor of the second page, with one row per page."""
    headers = {"Authorization": f"Bearer {world.token}"}
    page = Client(headers=headers).get(path, {"page_size": 1}).json()
    [cursor] = parse_qs(urlsplit(page["next"]).query)["cursor"]
    return cursor


def _is_malformed(case: schemathesis.Case, location: ParameterLocation) -> bool:
    return case.meta is not None and case.meta.is_negative_at(location)


def _parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text.upper())
