"""Lists: complete pages, a constant number of queries, and no unused columns."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.api.conftest import ClientFor
from tests.api.support import API, all_pages, assert_problem, queries_of
from tests.support.factories import THREE_CHANGES, eligible, finished_job, judged_job, now
from tests.support.users import Users


@pytest.mark.parametrize("page_size", [1, 2, 3, 7, 8])
def test_contracts__of_one_moment__page_through_once_each(
    users: Users, client_for: ClientFor, page_size: int
) -> None:
    at = now()
    moments = [at + timedelta(minutes=5), at, at, at, at, at, at - timedelta(minutes=5)]
    made = [eligible(users, at=moment) for moment in moments]
    pages = list(all_pages(client_for(users.viewer), f"{API}contracts/?page_size={page_size}"))
    assert all(0 < len(page) <= page_size for page in pages)
    ids = [row["id"] for page in pages for row in page]
    expected = sorted(made, key=lambda contract: (contract.created_at, contract.pk), reverse=True)
    assert ids == [str(contract.pk) for contract in expected]


def test_contracts__made_while_paging__shift_nothing(users: Users, client_for: ClientFor) -> None:
    made = [str(eligible(users).pk) for _ in range(4)]
    pages = all_pages(client_for(users.viewer), f"{API}contracts/?page_size=2")
    first = next(pages)
    eligible(users)
    rest = [row for page in pages for row in page]
    assert [row["id"] for row in first + rest] == made[::-1]


def test_contracts__paged_with_a_filter__keep_it(users: Users, client_for: ClientFor) -> None:
    wanted = [str(eligible(users, risk_level="high").pk) for _ in range(3)]
    eligible(users, risk_level="low")
    pages = all_pages(client_for(users.viewer), f"{API}contracts/?risk_level=high&page_size=1")
    assert [row["id"] for page in pages for row in page] == wanted[::-1]


@pytest.mark.parametrize("parameter", ["cursor=WzFd", "page_size=5", "status=ACTIVE", "x=1"])
def test_single_thing__asked_with_a_parameter_of_lists__400(
    users: Users, client_for: ClientFor, parameter: str
) -> None:
    job = finished_job(users)
    viewer = client_for(users.viewer)
    for address in (
        f"contracts/{job.contract_id}/",
        f"jobs/{job.pk}/",
        f"jobs/{job.pk}/progress/",
        f"jobs/{job.pk}/evidence/",
    ):
        answer = viewer.get(f"{API}{address}?{parameter}")
        assert_problem(answer, 400, "invalid_parameter", parameter.split("=")[0])


def test_ledger__in_pages__continues_without_a_gap(users: Users, client_for: ClientFor) -> None:
    job = judged_job(users)
    viewer = client_for(users.viewer)
    address = f"{API}contracts/{job.contract_id}/ledger/"
    whole = viewer.get(address).json()["results"]
    for asked in ("?page_size=4", "?page_size=3&fields=event"):
        paged = [row for page in all_pages(viewer, address + asked) for row in page]
        assert [row["event"] for row in paged] == [row["event"] for row in whole]
    assert len(whole) > 8


def test_queries__of_lists_and_ledgers__do_not_grow_with_the_rows(
    users: Users, client_for: ClientFor
) -> None:
    viewer = client_for(users.viewer)
    job = judged_job(users)
    addresses = ["contracts/", "jobs/", "contracts/?ordering=updated_at&actor=operator"]
    few = [len(queries_of(viewer, address)) for address in addresses]
    for _ in range(6):
        judged_job(users)
    assert [len(queries_of(viewer, address)) for address in addresses] == few
    short = [f"contracts/{job.contract_id}/ledger/", f"jobs/{job.pk}/steps/"]
    long_job = judged_job(users, proposed_changes=THREE_CHANGES * 8)
    long = [f"contracts/{long_job.contract_id}/ledger/", f"jobs/{long_job.pk}/steps/"]
    assert [len(queries_of(viewer, a)) for a in long] == [len(queries_of(viewer, a)) for a in short]
    assert few == [2, 2, 3]  # the token with its permissions, the rows, and the actor filter's user


def test_lists__of_any_kind__count_nothing(users: Users, client_for: ClientFor) -> None:
    job = judged_job(users)
    viewer = client_for(users.viewer)
    for address in ("contracts/?expand=job", "jobs/", f"contracts/{job.contract_id}/ledger/"):
        assert not [sql for sql in queries_of(viewer, address) if "COUNT(" in sql.upper()]


@pytest.mark.parametrize("column", ["plan", "validator_verdict", "description"])
def test_list__of_contracts__reads_no_long_columns(
    users: Users, client_for: ClientFor, column: str
) -> None:
    eligible(users)
    viewer = client_for(users.viewer)
    [row] = viewer.get(f"{API}contracts/").json()["results"]
    assert column not in row
    assert not [sql for sql in queries_of(viewer, "contracts/") if f'"{column}"' in sql]
