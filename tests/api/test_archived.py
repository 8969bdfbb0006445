"""Responses of the API and the pages for a contract that was archived and removed: 410, not 404."""

from __future__ import annotations

from uuid import uuid4

import pytest

from governance.models import SystemContract
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.support.archives import remove_with_tombstone
from tests.support.attacks import check_deferred_triggers
from tests.support.factories import judged_job
from tests.support.roles import as_owner
from tests.support.succession import modified
from tests.support.users import Users


@pytest.fixture
def removed(users: Users) -> SystemContract:
    contract = judged_job(users).contract
    check_deferred_triggers()
    with as_owner():
        remove_with_tombstone(contract)
        check_deferred_triggers()
    return contract


@pytest.mark.parametrize("address", ["contracts/{}/", "contracts/{}/ledger/"])
def test_removed_contract__asked_for__410_with_where_it_is(
    users: Users, client_for: ClientFor, removed: SystemContract, address: str
) -> None:
    answer = client_for(users.viewer).get(API + address.format(removed.pk))
    details = assert_problem(answer, 410, "contract_archived")["details"]
    assert (details["reference"], details["entries"]) == (removed.reference, 12)
    assert details["file_sha256"] == "0" * 64
    assert len(details["head_sha256"]) == 64


def test_contract__that_never_was__is_404_still(users: Users, client_for: ClientFor) -> None:
    answer = client_for(users.viewer).get(f"{API}contracts/{uuid4()}/")
    assert_problem(answer, 404, "contract_not_found")


def test_removed_contract__asked_for_by_an_outsider__403(
    users: Users, client_for: ClientFor, removed: SystemContract
) -> None:
    answer = client_for(users.outsider).get(f"{API}contracts/{removed.pk}/")
    assert_problem(answer, 403, "permission_denied")


def test_removed_contract__asked_for_with_a_bound_token__404(
    users: Users, client_for: ClientFor, removed: SystemContract
) -> None:
    """Respond 404, because a tombstone does not record the contract's capabilities."""
    bound = client_for(users.viewer, capabilities=["Search"])
    answer = bound.get(f"{API}contracts/{removed.pk}/")
    assert_problem(answer, 404, "contract_not_found")


def test_contract__whose_parent_was_removed__is_read_as_before(
    users: Users, client_for: ClientFor
) -> None:
    child = modified(users)
    check_deferred_triggers()
    with as_owner():
        remove_with_tombstone(SystemContract.objects.get(pk=child.parent_id))
        check_deferred_triggers()
    answer = client_for(users.viewer).get(f"{API}contracts/{child.pk}/")
    assert answer.status_code == 200
    assert answer.json()["parent_id"] == str(child.parent_id)
