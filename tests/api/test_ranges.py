"""Time range filters: the start is included, the end excluded, in every ordering."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from tests.api.conftest import ClientFor
from tests.api.support import API, all_ids, assert_problem, queries_of
from tests.support.clock import as_of
from tests.support.factories import eligible, running_job
from tests.support.users import Users

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"created_after": NINE}, {"at nine", "later"}),
        ({"created_after": NINE + MOMENT}, {"later"}),
        ({"created_before": NINE}, {"before"}),
        ({"created_before": NINE + MOMENT}, {"before", "at nine"}),
        ({"created_after": NINE, "created_before": NINE + MOMENT}, {"at nine"}),
        ({"created_after": NINE + HOUR, "created_before": NINE}, set()),
        ({"updated_after": NINE + HOUR}, {"before", "later"}),
        ({"updated_after": NINE + HOUR + MOMENT}, {"before"}),
        ({"updated_before": NINE + HOUR}, {"at nine"}),
        ({"updated_before": NINE + HOUR + MOMENT}, {"at nine", "later"}),
        ({"created_before": NINE, "updated_after": NINE + 2 * HOUR}, {"before"}),
        ({"created_after": NINE, "updated_before": NINE + HOUR}, {"at nine"}),
    ],
)
def test_contracts__within_ranges__edges_and_all_in_any_order(
    users: Users, client_for: ClientFor, query: dict[str, datetime], expected: set[str]
) -> None:
    from governance.authorities.contract.operations import expire_contract

    made = {
        "before": eligible(users, at=NINE - MOMENT),
        "at nine": eligible(users, at=NINE),
        "later": eligible(users, at=NINE + HOUR),
    }
    ends_at = made["before"].review_ends_at
    assert ends_at is not None
    as_of(ends_at + HOUR, expire_contract, contract_id=made["before"].pk, actor=users.operator)
    parameters = "&".join(f"{name}={quote(at.isoformat())}" for name, at in query.items())
    viewer = client_for(users.viewer)
    wanted = sorted(str(made[key].pk) for key in expected)
    for ordering in ("created_at", "-created_at", "updated_at", "-updated_at"):
        found = all_ids(viewer, f"contracts/?{parameters}&ordering={ordering}&page_size=1")
        assert sorted(found) == wanted, ordering


def test_jobs__within_ranges__edges_and_all(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    job, viewer = running.job, client_for(users.viewer)
    running.complete_steps(1)
    job = type(job).objects.get()

    def found(name: str, at: datetime) -> int:
        return len(all_ids(viewer, f"jobs/?{name}={quote(at.isoformat())}"))

    assert job.created_at < job.updated_at
    for column in ("created", "updated"):
        at = getattr(job, f"{column}_at")
        assert [found(f"{column}_after", at), found(f"{column}_after", at + MOMENT)] == [1, 0]
        assert [found(f"{column}_before", at), found(f"{column}_before", at + MOMENT)] == [0, 1]


@pytest.mark.parametrize("zone", ["Z", "z", "%2B00:00", "-00:00"])
def test_range__in_any_notation_of_utc__is_the_same(
    users: Users, client_for: ClientFor, zone: str
) -> None:
    made = eligible(users, at=NINE)
    viewer = client_for(users.viewer)
    for text, expected in ((f"2026-03-02T09:00:00{zone}", [str(made.pk)]),):
        assert all_ids(viewer, f"contracts/?created_after={text}") == expected
    assert all_ids(viewer, "contracts/?created_after=2026-03-02T10:00:00%2B01:00") == [str(made.pk)]
    assert all_ids(viewer, "contracts/?created_after=2026-03-02T10:00:00%2B00:59") == []


def test_range__whose_plus_was_not_escaped__says_how(users: Users, client_for: ClientFor) -> None:
    answer = client_for(users.viewer).get(f"{API}jobs/?updated_after=2026-11-02T09:00:00+01:00")
    problem = assert_problem(answer, 400, "invalid_input", "updated_after")
    assert "%2B" in problem["detail"]


def test_range__of_the_other_column__bounds_the_walk_through_the_order(
    users: Users, client_for: ClientFor
) -> None:
    """Bound the ordering column too, as created_at <= updated_at: the index scan skips rows."""
    viewer = client_for(users.viewer)
    at = "2026-11-02T09:00:00Z"
    *_, walk = queries_of(viewer, f"contracts/?created_after={at}&ordering=updated_at")
    assert '"updated_at" >= ' in walk
    *_, walk = queries_of(viewer, f"contracts/?updated_before={at}")
    assert '"created_at" < ' in walk
