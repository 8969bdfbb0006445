"""Tests of the main path: the flows bring a contract to every status it can stay in."""

from __future__ import annotations

import pytest

from governance.domain.values import ContractStatus
from tests.support.factories import contract_in
from tests.support.users import Users

AT_REST = [status for status in ContractStatus if status is not ContractStatus.VALIDATED]


@pytest.mark.parametrize("status", AT_REST)
def test_contract__brought_to_each_state_it_can_rest_in__is_in_that_state(
    users: Users, commit_now: object, status: ContractStatus
) -> None:
    contract = contract_in(users, status)
    commit_now()
    assert contract.status == status


def test_committed_database__holds_what_was_committed(committed: Users) -> None:
    assert contract_in(committed, ContractStatus.COMPLETED).status == ContractStatus.COMPLETED
