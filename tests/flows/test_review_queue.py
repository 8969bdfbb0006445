"""Tests of the review queue: its contracts, order, filters, pages and indexes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.authorities.review.queue import (
    QueueCursor,
    QueueFilter,
    queue_page,
    waiting_contracts,
)
from governance.domain.values import ContractStatus, RiskLevel, Source
from governance.flows.review_contract import request_clarification
from tests.support.attacks import run_sql
from tests.support.bulk_contracts import bulk_copy
from tests.support.clock import as_of
from tests.support.factories import contract_in, eligible, now
from tests.support.users import Users

ALL = QueueFilter()
SOME_ID = "01900000-0000-7000-8000-000000000000"
HOSTILE = ["'", '"', "\\", "((", "a & | !", "-", '"-"', "<script>", "%", "✂" * 400, "or or", "a:*"]


def walked(wanted: QueueFilter = ALL, *, size: int = 3, between: Any = None) -> list[str]:
    """Return the references of all pages, calling `between` after each page but the last."""
    found, after = [], None
    while True:
        page = queue_page(wanted, at=now(), after=after, size=size)
        found += [row.reference for row in page.rows]
        if not page.has_later:
            return found
        after = QueueCursor.of(page.rows[-1])
        if between:
            between()


def references(wanted: QueueFilter) -> str:
    return "".join(sorted(row.reference for row in waiting_contracts(wanted, at=now())))


# VALIDATED is left out: no operation commits a contract in that status.
@pytest.mark.parametrize("status", [s for s in ContractStatus if s is not ContractStatus.VALIDATED])
def test_queue__of_every_status__only_eligible_waits(users: Users, status: ContractStatus) -> None:
    contract_in(users, status)
    assert len(queue_page(at=now()).rows) == (status is ContractStatus.ELIGIBLE)


def test_queue__in_order__by_risk_then_by_what_expires_first(users: Users) -> None:
    at = now()
    for name, risk, hours in (
        *(("D", "low", 3), ("C", "medium", 1), ("B", "high", 1), ("E", "low", 1)),
        *(("A", "critical", 1), ("F", "critical", 2)),
    ):
        eligible(users, reference=name, risk_level=risk, at=at - timedelta(hours=hours))
    assert "".join(walked()) == "FABCDE"


def test_queue__with_a_question_open__puts_it_last_of_its_risk(users: Users) -> None:
    at = now()
    asked = eligible(users, reference="asked", at=at - timedelta(hours=2))
    eligible(users, reference="later", at=at - timedelta(hours=1))
    eligible(users, reference="low", risk_level="low", at=at - timedelta(hours=3))
    as_of(
        at,
        request_clarification,
        contract_id=asked.pk,
        founder=users.founder,
        question="Which search is meant?",
    )
    assert walked(size=1) == ["later", "asked", "low"]
    assert references(QueueFilter(risk=RiskLevel.MEDIUM)) == "askedlater"


def test_pages__while_rows_arrive__show_each_that_was_there_exactly_once(users: Users) -> None:
    at = now()
    risks = list(RiskLevel)
    for number in range(20):
        # All expire at the same time, so that within a risk only the id orders them.
        eligible(users, reference=f"R{number}", risk_level=risks[number % 4], at=at)
    there = {f"R{number}" for number in range(20)}

    def arrive() -> None:
        for risk in risks:
            eligible(users, reference=f"new {uuid4()}", risk_level=risk)

    found = walked(between=arrive)
    old = [name for name in found if name in there]
    assert len(old) == 20
    assert set(old) == there
    assert len(found) == len(set(found))


def test_pages__walked_back__are_the_same_in_the_same_order(users: Users) -> None:
    for number in range(8):
        eligible(users, reference=f"R{number}", risk_level=list(RiskLevel)[number % 3])
    forth = walked()
    last = queue_page(at=now(), size=8).rows[-1]
    page = queue_page(at=now(), before=QueueCursor.of(last), size=3)
    assert [row.reference for row in page.rows] == forth[4:7]
    assert page.has_earlier
    assert page.has_later
    first = queue_page(at=now(), before=QueueCursor.of(page.rows[0]), size=4)
    assert [row.reference for row in first.rows] == forth[:4]
    assert not first.has_earlier


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, "ABC"),
        ({"words": "marmalade"}, "A"),
        ({"words": "sandwiches"}, "B"),
        ({"words": "suggestions"}, "C"),
        ({"words": "suggest"}, "C"),
        ({"words": "SEARCH"}, "ABC"),
        ({"words": "search -marmalade"}, "BC"),
        ({"words": "marmalade or sandwich"}, "AB"),
        ({"words": '"search suggestions"'}, "C"),
        ({"words": '"suggestions search"'}, ""),
        ({"words": "nowhere"}, ""),
        ({"words": "the"}, ""),
        ({"risk": RiskLevel.CRITICAL}, "B"),
        ({"source": Source.OPS_ALERT}, "C"),
        ({"capability": "Search suggestions"}, "C"),
        ({"capability": "Suggestions"}, ""),
        ({"age": "0-1"}, "AC"),
        ({"age": "3-4"}, "B"),
        ({"age": "6-"}, ""),
        ({"words": "search", "risk": RiskLevel.MEDIUM, "source": Source.MANUAL}, "A"),
    ],
    ids=str,
)
def test_queue__asked_for_some__only_those(
    users: Users, wanted: dict[str, Any], found: str
) -> None:
    eligible(users, reference="A", title="More marmalade")
    old = now() - timedelta(days=3, hours=1)
    eligible(users, reference="B", description="A sandwich.", risk_level="critical", at=old)
    names = ["Search", "Search suggestions"]
    eligible(users, reference="C", affected_capabilities=names, source="ops_alert")
    assert references(QueueFilter(**wanted)) == found


@pytest.mark.parametrize("text", HOSTILE)
def test_search__for_hostile_text__answers(users: Users, text: str) -> None:
    eligible(users, title=f"x {text}"[:200])
    queue_page(QueueFilter(words=text, capability=text), at=now())


def test_search__of_a_contract_as_large_as_they_come__finds_it(users: Users) -> None:
    names = ["Search", *(f"{number} {'词 ' * 90}x" for number in range(90))]
    eligible(users, description="ж" * 3990 + " needle", affected_capabilities=names)
    assert len(queue_page(QueueFilter(words="needle"), at=now()).rows) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("", "~", "~~", "0~1", "0~1~x", "0~1e3~0", f"٣~1~{SOME_ID}", f"0~-1~{SOME_ID}"),
        *(f"0~999999999999999999~{SOME_ID}", f"100~1~{SOME_ID}"),
    ],
)
def test_cursor__that_no_page_gave_out__is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        QueueCursor.read(text)


def test_cursor__written_and_read__is_the_same(users: Users) -> None:
    cursor = QueueCursor.of(eligible(users))
    assert QueueCursor.read(str(cursor)) == cursor


@pytest.mark.long
def test_queue__of_20_000__goes_along_its_indexes(users: Users) -> None:
    contract = eligible(users)
    bulk_copy(contract, 20_000)
    middle = QueueCursor(8, contract.expires_at, contract.pk)
    assert plan_of() == {"contract_review_queue"}
    assert plan_of(after=middle) == {"contract_review_queue"}
    assert plan_of(before=middle) == {"contract_review_queue"}
    assert plan_of(QueueFilter(risk=RiskLevel.LOW), after=middle) == {"contract_review_queue"}
    assert plan_of(QueueFilter(risk=RiskLevel.MEDIUM)) == {"contract_review_queue"}
    assert plan_of(QueueFilter(source=Source.MANUAL), after=middle) == {"contract_review_by_source"}
    assert plan_of(QueueFilter(words="marmalade")) == {"contract_queue_words"}
    assert plan_of(QueueFilter(words="request")) == {
        "contract_review_queue"
    }  # matches every contract
    assert plan_of(QueueFilter(capability="Capability 7")) == {"contract_open_capabilities"}
    assert len(queue_page(QueueFilter(words="marmalade"), at=now()).rows) == 20


def plan_of(wanted: QueueFilter = ALL, **cursor: Any) -> set[str]:
    """Return the indexes in the plan of the page's query; assert that it has no sequential scan."""
    with CaptureQueriesContext(connection) as captured:
        queue_page(wanted, at=now(), **cursor)
    statements = [query["sql"] for query in captured]
    assert len(statements) == 1 + (wanted.risk is not None)
    indexes, nodes = set(), []
    for sql in statements:
        assert "COUNT(" not in sql.upper()
        (plan,) = run_sql("EXPLAIN (FORMAT JSON) " + sql.replace("%", "%%"))[0][0]
        nodes.append(plan["Plan"])
    while nodes:
        node = nodes.pop()
        assert node["Node Type"] != "Seq Scan"
        indexes |= {node["Index Name"]} if "Index Name" in node else set()
        if node["Node Type"] == "Index Scan":
            assert not cursor or "ROW(" in node["Index Cond"], node
        nodes += node.get("Plans", [])
    return indexes
