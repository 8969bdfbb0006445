"""Orderings of lists and cursors: each row once, and only cursors that a page returned."""

from __future__ import annotations

from datetime import timedelta

import pytest

from governance.models import SystemContract
from tests.api.conftest import ClientFor
from tests.api.support import API, all_ids, all_pages, assert_problem, packed
from tests.support.factories import (
    apart,
    asked,
    eligible,
    finished_job,
    now,
    pending_job,
    running_job,
)
from tests.support.users import Users

ORDERINGS = ["-created_at", "created_at", "-updated_at", "updated_at"]
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("ordering", ORDERINGS)
@pytest.mark.parametrize("page_size", [1, 2, 5])
def test_contracts__in_every_order__page_through_once_each(
    users: Users, client_for: ClientFor, ordering: str, page_size: int
) -> None:
    at = now() - 2 * HOUR
    for moment in (at, at, at, at + HOUR, at - HOUR):
        eligible(users, at=moment)
    asked(users, at=at - 3 * HOUR)
    pending_job(users)  # created now, updated a little later
    column = ordering.removeprefix("-")
    rows = sorted(
        SystemContract.objects.all(),
        key=lambda contract: (getattr(contract, column), contract.pk),
        reverse=ordering.startswith("-"),
    )
    viewer = client_for(users.viewer)
    found = all_ids(viewer, f"contracts/?ordering={ordering}&page_size={page_size}")
    assert found == [str(row.pk) for row in rows]


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_jobs__in_every_order__page_through_once_each(
    users: Users, client_for: ClientFor, ordering: str
) -> None:
    running = running_job(users, **apart())
    made = [running.job, pending_job(users), finished_job(users)]
    running.complete_steps()  # created first, updated last
    ids = [str(job.pk) for job in made]
    expected = {
        "created_at": ids,
        "-created_at": ids[::-1],
        "updated_at": [ids[1], ids[2], ids[0]],
        "-updated_at": [ids[0], ids[2], ids[1]],
    }[ordering]
    assert all_ids(client_for(users.viewer), f"jobs/?ordering={ordering}&page_size=1") == expected


def test_contract__that_changes_while_one_pages_by_updated_at__comes_again_and_none_is_lost(
    users: Users, client_for: ClientFor
) -> None:
    made = [running_job(users, at=now(), **apart()) for _ in range(4)]
    ids = [str(running.job.pk) for running in made]
    pages = all_pages(client_for(users.viewer), f"{API}jobs/?ordering=updated_at&page_size=2")
    first = [row["id"] for row in next(pages)]
    for changed in (made[0], made[2]):  # one listed on the first page, and one not yet listed
        changed.complete_steps(1)
    rest = [row["id"] for page in pages for row in page]
    assert first == ids[:2]
    assert rest == [ids[3], ids[0], ids[2]]


def test_cursor__of_another_ordering__400(users: Users, client_for: ClientFor) -> None:
    for _ in range(3):
        pending_job(users)
    viewer = client_for(users.viewer)
    for address in ("contracts/", "jobs/"):
        gave = {
            ordering: viewer.get(f"{API}{address}?ordering={ordering}&page_size=1").json()["next"]
            for ordering in ORDERINGS
        }
        for ordering, following in gave.items():
            for other in ORDERINGS:
                query = following.partition("?")[2].replace(f"ordering={ordering}", "")
                answer = viewer.get(f"{API}{address}?{query.strip('&')}&ordering={other}")
                if ordering == other:
                    assert answer.status_code == 200
                else:
                    problem = assert_problem(answer, 400, "invalid_input", "cursor")
                    assert f"ordering={other}" in problem["detail"]


@pytest.mark.parametrize(
    "ordering", ["title", "-title", "id", "updated", "-", "created_at,id", "?"]
)
def test_ordering__that_is_not_on_the_list__400(
    users: Users, client_for: ClientFor, ordering: str
) -> None:
    viewer = client_for(users.viewer)
    for address in ("contracts/", "jobs/"):
        answer = viewer.get(API + address, {"ordering": ordering})
        problem = assert_problem(answer, 400, "invalid_parameter", "ordering")
        assert all(known in problem["detail"] for known in ORDERINGS)


ID = "01a20436-63ec-7090-b38d-b1d4734c9480"
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
            f'["2026-11-02T09:00:00Z", "{ID}"]',
            f'["title", "2026-11-02T09:00:00Z", "{ID}"]',
            f'["-created_at", "2026-11-02T09:00:00", "{ID}"]',
            f'["-created_at", "0001-01-01T00:00:00+14:00", "{ID}"]',
            f'["-created_at", null, "{ID}"]',
            '["-created_at", "2026-11-02T09:00:00Z", 5]',
            '["-created_at", "2026-11-02T09:00:00Z", "x\\u0000"]',
            f'["-created_at", "2026-11-02T09:00:00Z", "{ID}", 1]',
            '{"a": 1, "b": 2, "c": 3}',
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
def test_cursor__that_no_page_gave_out__400(
    users: Users, client_for: ClientFor, cursor: str
) -> None:
    job = pending_job(users)
    viewer = client_for(users.viewer)
    addresses = ["contracts/", "jobs/"]
    if cursor != packed("[1]"):
        addresses += [f"contracts/{job.contract_id}/ledger/", f"jobs/{job.pk}/steps/"]
    for address in addresses:
        answer = viewer.get(f"{API}{address}?cursor={cursor}")
        assert_problem(answer, 400, "invalid_input", "cursor")
