"""Filters: exactly the matching rows, and 400 for an invalid value."""

from __future__ import annotations

from typing import Any

import pytest

from governance.domain.values import ContractStatus
from tests.api.conftest import ClientFor
from tests.api.support import API, all_ids, assert_problem
from tests.support.factories import (
    VALIDATOR_VERDICT,
    approved,
    asked,
    contract_in,
    eligible,
    finished_job,
    judged_job,
    pending_job,
)
from tests.support.users import Users


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=APPROVED", {"approved"}),
        ("status=COMPLETED", set()),
        ("status=APPROVED,COMPLETED", {"approved"}),
        ("status=ELIGIBLE,APPROVED", {"approved", "other"}),
        ("status=APPROVED,APPROVED", {"approved"}),
        ("source=ops_alert", {"other"}),
        ("source=ops_alert,manual", {"approved", "other"}),
        ("risk_level=critical", {"other"}),
        ("risk_level=critical,medium", {"approved", "other"}),
        ("capability=Login%20%26%20%C3%9C", {"other"}),
        ("capability=Search", {"approved"}),
        ("capability=search", set()),
        ("capability=Sear", set()),
        ("capability=Search&status=APPROVED&source=manual&risk_level=medium", {"approved"}),
        ("capability=Search&source=ops_alert", set()),
    ],
)
def test_contracts__filtered__are_exactly_those(
    users: Users, client_for: ClientFor, query: str, expected: set[str]
) -> None:
    name = "Login & Ü"
    change = {"type": "capability_disable", "capability_name": name, "reason": "Old."}
    made = {
        "approved": approved(users),
        "other": eligible(
            users,
            source="ops_alert",
            risk_level="critical",
            affected_capabilities=[name],
            proposed_changes=change,
            validator_verdict=VALIDATOR_VERDICT,
        ),
    }
    found = all_ids(client_for(users.viewer), f"contracts/?{query}")
    assert sorted(found) == sorted(str(made[key].pk) for key in expected)


def test_jobs__filtered__are_exactly_those(users: Users, client_for: ClientFor) -> None:
    pending, finished = pending_job(users), finished_job(users)
    other = pending_job(
        users,
        affected_capabilities=["Maps"],
        proposed_changes={"type": "capability_disable", "capability_name": "Maps", "reason": "."},
    )
    viewer = client_for(users.viewer)

    def found(query: str) -> list[str]:
        return all_ids(viewer, f"jobs/?{query}")

    ids = [str(job.pk) for job in (pending, finished, other)]
    assert found("") == ids[::-1]
    assert found("status=PENDING") == [ids[2], ids[0]]
    assert found("status=PENDING,COMPLETED") == ids[::-1]
    assert found("status=RUNNING,FAILED") == []
    assert found(f"contract={finished.contract_id}") == [ids[1]]
    assert found(f"contract={finished.contract_id}&status=PENDING") == []
    assert found(f"contract={pending.pk}") == []
    assert found("capability=Maps") == [ids[2]]
    assert found("capability=Search&status=PENDING") == [ids[0]]
    assert found("capability=maps") == []


# --- actor --------------------------------------------------------------------------------------
def test_contracts__by_actor__are_those_they_moved(users: Users, client_for: ClientFor) -> None:
    proposed = str(eligible(users).pk)
    signed = str(approved(users).pk)
    turned_down = str(contract_in(users, ContractStatus.REJECTED).pk)
    judged = str(judged_job(users).contract_id)
    viewer = client_for(users.viewer)

    def found(username: str) -> set[str]:
        return set(all_ids(viewer, f"contracts/?actor={username}"))

    assert found("operator") == {proposed, signed, turned_down, judged}
    assert found("founder") == {signed, turned_down, judged}
    assert found("auditor-1") == {judged}
    assert found("executor-1") == set()


def test_jobs__by_actor__are_those_they_moved(users: Users, client_for: ClientFor) -> None:
    pending, finished = str(pending_job(users).pk), str(finished_job(users).pk)
    viewer = client_for(users.viewer)
    assert set(all_ids(viewer, "jobs/?actor=operator")) == {pending, finished}
    assert all_ids(viewer, "jobs/?actor=executor-1") == [finished]
    assert all_ids(viewer, "jobs/?actor=founder") == []


@pytest.mark.parametrize("username", ["nobody", "Operator", "operator ", "1", "' OR 1=1 --", "ü"])
def test_actor__unknown__finds_nothing_like_one_without_actions(
    users: Users, client_for: ClientFor, username: str
) -> None:
    asked(users)
    viewer = client_for(users.viewer)
    for address in ("contracts/", "jobs/"):
        answers = [
            viewer.get(API + address, {"actor": name})
            for name in (username, users.outsider.username)
        ]
        assert [answer.json() for answer in answers] == [{"next": None, "results": []}] * 2


# --- invalid values -----------------------------------------------------------------------------
REFUSED = [
    ("contracts/?status=approved", "invalid_input", "status"),
    ("contracts/?status=APPROVED,", "invalid_input", "status"),
    ("contracts/?status=,", "invalid_input", "status"),
    ("contracts/?status=APPROVED,%20ACTIVE", "invalid_input", "status"),
    ("contracts/?status=APPROVED;ACTIVE", "invalid_input", "status"),
    ("contracts/?risk_level=huge", "invalid_input", "risk_level"),
    ("contracts/?source=mail", "invalid_input", "source"),
    ("contracts/?capability=a%00b", "invalid_parameter", "capability"),
    ("contracts/?capability=" + "x" * 201, "invalid_input", "capability"),
    ("contracts/?actor=" + "x" * 151, "invalid_input", "actor"),
    ("contracts/?created_after=yesterday", "invalid_input", "created_after"),
    ("contracts/?created_after=2026-11-02", "invalid_input", "created_after"),
    ("contracts/?created_after=2026-11-02T09:00:00", "invalid_input", "created_after"),
    ("contracts/?updated_before=2026-02-30T09:00:00Z", "invalid_input", "updated_before"),
    ("contracts/?updated_after=0001-01-01T00:00:00%2B14:00", "invalid_input", "updated_after"),
    ("contracts/?created_before=1793000000", "invalid_input", "created_before"),
    ("jobs/?status=ACTIVE", "invalid_input", "status"),
    ("jobs/?contract=7", "invalid_input", "contract"),
    ("jobs/?contract=01a2043663ec7090b38db1d4734c9480", "invalid_input", "contract"),
    ("jobs/?risk_level=low", "invalid_parameter", "risk_level"),
    ("contracts/?contract=7", "invalid_parameter", "contract"),
    ("contracts/?status=", "invalid_parameter", "status"),
    ("contracts/?capability=%20", "invalid_parameter", "capability"),
    ("contracts/?status=DRAFT&status=ACTIVE", "invalid_parameter", "status"),
    ("contracts/?Status=DRAFT", "invalid_parameter", "Status"),
    ("contracts/?status__in=DRAFT", "invalid_parameter", "status__in"),
    ("contracts/?format=json", "invalid_parameter", "format"),
    ("contracts/?format=xml", "invalid_parameter", "format"),
    ("contracts/?page_size=0", "invalid_input", "page_size"),
    ("contracts/?page_size=201", "invalid_input", "page_size"),
    ("contracts/?page_size=-1", "invalid_input", "page_size"),
    ("contracts/?page_size=%D9%A3", "invalid_input", "page_size"),
    ("contracts/?page_size=99999999999999999999", "invalid_input", "page_size"),
]


@pytest.mark.parametrize(("address", "code", "path"), REFUSED)
def test_list__asked_for_what_it_does_not_know__400(
    users: Users, client_for: ClientFor, address: str, code: str, path: str
) -> None:
    assert_problem(client_for(users.viewer).get(API + address), 400, code, path)


def test_filters__with_several_faults__name_each(users: Users, client_for: ClientFor) -> None:
    answer = client_for(users.viewer).get(f"{API}contracts/?status=x&risk_level=y&created_after=z")
    problem: dict[str, Any] = assert_problem(answer, 400, "invalid_input")
    assert [fault["path"] for fault in problem["errors"]] == [
        "status",
        "risk_level",
        "created_after",
    ]
