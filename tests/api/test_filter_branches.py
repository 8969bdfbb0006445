"""Filters that run as a UNION of branches: a page lists each row once and in order."""

from __future__ import annotations

import pytest

from governance.models import GovernanceJob, SystemContract
from tests.api.conftest import ClientFor
from tests.api.support import API, all_pages, queries_of
from tests.support.factories import approved, draft, eligible, judged_job, pending_job
from tests.support.users import Users

ORDERINGS = ["created_at", "-created_at", "updated_at", "-updated_at"]


@pytest.fixture
def record(users: Users) -> None:
    """Create contracts in which the operator and others acted in different ways."""
    for _ in range(2):
        eligible(users)
        judged_job(users)
        draft(users)
        approved(users)
        running = pending_job(users)
        assert running.created_by_id == running.contract.proposed_by_id == users.operator.pk


@pytest.mark.parametrize("ordering", ORDERINGS)
@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(
    "asked",
    [
        "status=DRAFT,ELIGIBLE,COMPLETED",
        "status=DRAFT,DRAFT,ELIGIBLE",
        "actor=operator",
        "actor=founder&status=COMPLETED,APPROVED",
        "actor=founder&source=manual&risk_level=medium,low&fields=id",
        "actor=auditor-1&expand=job",
    ],
)
def test_contracts__of_several_branches__page_through_once_each_in_order(
    record: None, users: Users, client_for: ClientFor, asked: str, size: int, ordering: str
) -> None:
    viewer = client_for(users.viewer)
    address = f"{API}contracts/?{asked}&ordering={ordering}&page_size={size}"
    found = [row["id"] for page in all_pages(viewer, address) for row in page]
    column = ordering.removeprefix("-")
    expected = sorted(
        (one for one in SystemContract.objects.all() if fits(one, asked)),
        key=lambda one: (getattr(one, column), one.pk),
        reverse=ordering.startswith("-"),
    )
    assert found == [str(one.pk) for one in expected]
    assert found


def fits(contract: SystemContract, asked: str) -> bool:
    """Return whether the contract matches the filters, computed in Python."""
    parameters = dict(part.split("=") for part in asked.split("&"))
    people = (contract.proposed_by, contract.approved_by, contract.closed_by)
    names = {person.username for person in people if person}
    return (
        ("status" not in parameters or contract.status in parameters["status"].split(","))
        and ("actor" not in parameters or parameters["actor"] in names)
        and ("source" not in parameters or contract.source == parameters["source"])
    )


@pytest.mark.parametrize("actor", ["operator", "executor-1"])
def test_jobs__with_several_actions_of_one_actor__come_once_each(
    record: None, users: Users, client_for: ClientFor, actor: str
) -> None:
    viewer = client_for(users.viewer)
    address = f"{API}jobs/?actor={actor}&status=PENDING,COMPLETED&page_size=2"
    found = [row["id"] for page in all_pages(viewer, address) for row in page]
    jobs = GovernanceJob.objects.select_related("created_by", "started_by", "ended_by")
    assert found == [
        str(job.pk)
        for job in jobs
        if actor in {str(job.created_by), str(job.started_by), str(job.ended_by)}
    ]
    assert found


def test_branch__of_many__is_read_no_further_than_a_page(
    record: None, users: Users, client_for: ClientFor
) -> None:
    viewer = client_for(users.viewer)
    address = "contracts/?actor=operator&status=DRAFT,ELIGIBLE&page_size=7"
    [listing] = [sql for sql in queries_of(viewer, address) if "LIMIT 8" in sql]
    assert listing.count("UNION") == 5  # three actor columns, two statuses
    assert listing.count("LIMIT 8") == 7
