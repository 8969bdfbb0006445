"""Lists: filters that never guess, pages that lose nothing, queries that do not grow."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.vocabulary.values import ContractStatus
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.support.cast import Cast
from tests.support.stories import (
    THREE_CHANGES,
    VALIDATOR_VERDICT,
    approved,
    contract_in,
    eligible,
    finished_job,
    judged_job,
    now,
    pending_job,
)


def all_pages(client: Any, address: str) -> Iterator[list[dict[str, Any]]]:
    for _ in range(100):
        if not address:
            return
        answer = client.get(address)
        assert answer.status_code == 200, answer.content
        yield answer.json()["results"]
        address = answer.json()["next"]
    raise AssertionError("The pages never end.")


@pytest.mark.parametrize("page_size", [1, 2, 3, 7, 8])
def test_contracts__of_one_moment__page_through_once_each(
    cast: Cast, client_for: ClientFor, page_size: int
) -> None:
    at = now()
    moments = [at + timedelta(minutes=5), at, at, at, at, at, at - timedelta(minutes=5)]
    made = [eligible(cast, at=moment) for moment in moments]
    pages = list(all_pages(client_for(cast.viewer), f"{API}contracts/?page_size={page_size}"))
    assert all(0 < len(page) <= page_size for page in pages)
    ids = [row["id"] for page in pages for row in page]
    expected = sorted(made, key=lambda contract: (contract.created_at, contract.pk), reverse=True)
    assert ids == [str(contract.pk) for contract in expected]


def test_contracts__made_while_paging__shift_nothing(cast: Cast, client_for: ClientFor) -> None:
    made = [str(eligible(cast).pk) for _ in range(4)]
    pages = all_pages(client_for(cast.viewer), f"{API}contracts/?page_size=2")
    first = next(pages)
    eligible(cast)
    rest = [row for page in pages for row in page]
    assert [row["id"] for row in first + rest] == made[::-1]


def test_contracts__paged_with_a_filter__keep_it(cast: Cast, client_for: ClientFor) -> None:
    wanted = [str(eligible(cast, risk_level="high").pk) for _ in range(3)]
    eligible(cast, risk_level="low")
    pages = all_pages(client_for(cast.viewer), f"{API}contracts/?risk_level=high&page_size=1")
    assert [row["id"] for page in pages for row in page] == wanted[::-1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=APPROVED", {"approved"}),
        ("status=COMPLETED", set()),
        ("source=ops_alert", {"other"}),
        ("risk_level=critical", {"other"}),
        ("capability=Login%20%26%20%C3%9C", {"other"}),
        ("capability=Search", {"approved"}),
        ("capability=search", set()),
        ("capability=Sear", set()),
        ("capability=Search&status=APPROVED&source=manual&risk_level=medium", {"approved"}),
        ("capability=Search&source=ops_alert", set()),
    ],
)
def test_contracts__filtered__are_exactly_those(
    cast: Cast, client_for: ClientFor, query: str, expected: set[str]
) -> None:
    name = "Login & Ü"
    change = {"type": "capability_disable", "capability_name": name, "reason": "Old."}
    made = {
        "approved": approved(cast),
        "other": eligible(
            cast,
            source="ops_alert",
            risk_level="critical",
            affected_capabilities=[name],
            proposed_changes=change,
            validator_verdict=VALIDATOR_VERDICT,
        ),
    }
    rows = client_for(cast.viewer).get(f"{API}contracts/?{query}").json()["results"]
    assert {row["id"] for row in rows} == {str(made[key].pk) for key in expected}


def test_jobs__filtered__are_exactly_those(cast: Cast, client_for: ClientFor) -> None:
    pending, finished = pending_job(cast), finished_job(cast)
    viewer = client_for(cast.viewer)

    def found(query: str) -> list[str]:
        return [row["id"] for row in viewer.get(f"{API}jobs/?{query}").json()["results"]]

    assert found("") == [str(finished.pk), str(pending.pk)]
    assert found("status=PENDING") == [str(pending.pk)]
    assert found(f"contract={finished.contract_id}") == [str(finished.pk)]
    assert found(f"contract={finished.contract_id}&status=PENDING") == []
    assert found(f"contract={pending.pk}") == []


@pytest.mark.parametrize(
    ("address", "code", "path"),
    [
        ("contracts/?status=approved", "invalid_input", "status"),
        ("contracts/?status=APPROVED,ACTIVE", "invalid_input", "status"),
        ("contracts/?risk_level=huge", "invalid_input", "risk_level"),
        ("contracts/?source=mail", "invalid_input", "source"),
        ("contracts/?capability=a%00b", "invalid_parameter", "capability"),
        ("contracts/?capability=" + "x" * 201, "invalid_input", "capability"),
        ("jobs/?status=ACTIVE", "invalid_input", "status"),
        ("jobs/?contract=7", "invalid_input", "contract"),
        ("contracts/?status=", "invalid_parameter", "status"),
        ("contracts/?capability=%20", "invalid_parameter", "capability"),
        ("contracts/?status=DRAFT&status=ACTIVE", "invalid_parameter", "status"),
        ("contracts/?Status=DRAFT", "invalid_parameter", "Status"),
        ("contracts/?status__in=DRAFT", "invalid_parameter", "status__in"),
        ("contracts/?ordering=title", "invalid_parameter", "ordering"),
        ("contracts/?format=json", "invalid_parameter", "format"),
        ("contracts/?format=xml", "invalid_parameter", "format"),
        ("jobs/?capability=Search", "invalid_parameter", "capability"),
        ("contracts/?page_size=0", "invalid_input", "page_size"),
        ("contracts/?page_size=201", "invalid_input", "page_size"),
        ("contracts/?page_size=-1", "invalid_input", "page_size"),
        ("contracts/?page_size=%D9%A3", "invalid_input", "page_size"),
        ("contracts/?page_size=99999999999999999999", "invalid_input", "page_size"),
    ],
)
def test_list__asked_for_what_it_does_not_know__400(
    cast: Cast, client_for: ClientFor, address: str, code: str, path: str
) -> None:
    contract_in(cast, ContractStatus.DRAFT)
    assert_problem(client_for(cast.viewer).get(API + address), 400, code, path)


def packed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


CURSORS = [
    "x",
    "ÿ",
    "a" * 4000,
    *map(
        packed,
        [
            "null",
            "7",
            "[]",
            "[1]",
            '["a"]',
            '["2026-11-02T09:00:00Z", 5]',
            '["2026-11-02T09:00:00", "01a20436-63ec-7090-b38d-b1d4734c9480"]',
            '["0001-01-01T00:00:00+14:00", "01a20436-63ec-7090-b38d-b1d4734c9480"]',
            '["2026-11-02T09:00:00Z", "x\\u0000"]',
            '["2026-11-02T09:00:00Z", "01a20436-63ec-7090-b38d-b1d4734c9480", 1]',
            '{"a": 1, "b": 2}',
            "[true]",
            "[-1]",
            "[1e9]",
            "[" + "9" * 3000 + "]",
            "[4294967296]",
            "[" * 3000,
        ],
    ),
]


@pytest.mark.parametrize("cursor", CURSORS)
def test_cursor__that_no_page_gave_out__400(cast: Cast, client_for: ClientFor, cursor: str) -> None:
    job = pending_job(cast)
    viewer = client_for(cast.viewer)
    addresses = ["contracts/", "jobs/"]
    if cursor != packed("[1]"):
        addresses += [f"contracts/{job.contract_id}/ledger/", f"jobs/{job.pk}/steps/"]
    for address in addresses:
        answer = viewer.get(f"{API}{address}?cursor={cursor}")
        assert_problem(answer, 400, "invalid_input", "cursor")


@pytest.mark.parametrize("parameter", ["cursor=WzFd", "page_size=5", "status=ACTIVE", "x=1"])
def test_single_thing__asked_with_a_parameter__400(
    cast: Cast, client_for: ClientFor, parameter: str
) -> None:
    job = finished_job(cast)
    viewer = client_for(cast.viewer)
    for address in (
        f"contracts/{job.contract_id}/",
        f"jobs/{job.pk}/",
        f"jobs/{job.pk}/progress/",
        f"jobs/{job.pk}/evidence/",
    ):
        answer = viewer.get(f"{API}{address}?{parameter}")
        assert_problem(answer, 400, "invalid_parameter", parameter.split("=")[0])


def test_ledger__in_pages__continues_without_a_gap(cast: Cast, client_for: ClientFor) -> None:
    job = judged_job(cast)
    viewer = client_for(cast.viewer)
    address = f"{API}contracts/{job.contract_id}/ledger/"
    whole = viewer.get(address).json()["results"]
    paged = [row for page in all_pages(viewer, address + "?page_size=4") for row in page]
    assert len(whole) > 8
    assert paged == whole


def queries_of(client: Any, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.get(API + address)
    assert answer.status_code == 200, answer.content
    assert not any("COUNT(" in query["sql"] for query in queries if "page" in address)
    return len(queries)


def test_queries__of_lists_and_ledgers__do_not_grow_with_the_rows(
    cast: Cast, client_for: ClientFor
) -> None:
    viewer = client_for(cast.viewer)
    job = judged_job(cast)
    addresses = ["contracts/", "jobs/"]
    few = [queries_of(viewer, address) for address in addresses]
    for _ in range(6):
        judged_job(cast)
    assert [queries_of(viewer, address) for address in addresses] == few
    short = [f"contracts/{job.contract_id}/ledger/", f"jobs/{job.pk}/steps/"]
    long_job = judged_job(cast, proposed_changes=THREE_CHANGES * 8)
    long = [f"contracts/{long_job.contract_id}/ledger/", f"jobs/{long_job.pk}/steps/"]
    assert [queries_of(viewer, a) for a in long] == [queries_of(viewer, a) for a in short]
    assert max(few) <= 4  # who asks, what they may (twice), the rows


@pytest.mark.parametrize("column", ["plan", "validator_verdict", "description"])
def test_list__of_contracts__reads_no_long_columns(
    cast: Cast, client_for: ClientFor, column: str
) -> None:
    eligible(cast)
    viewer = client_for(cast.viewer)
    with CaptureQueriesContext(connection) as queries:
        rows = viewer.get(f"{API}contracts/").json()["results"]
    assert len(rows) == 1
    assert column not in rows[0]
    assert not [query for query in queries if f'"{column}"' in query["sql"]]
