"""The chain, end to end, in the words of its flows."""

from __future__ import annotations

import pytest

from governance.vocabulary.values import ContractStatus
from tests.support.cast import Cast
from tests.support.stories import contract_in

AT_REST = [status for status in ContractStatus if status is not ContractStatus.VALIDATED]


@pytest.mark.parametrize("status", AT_REST)
def test_contract__brought_to_each_state_it_can_rest_in__stands_there(
    cast: Cast, commit_now: object, status: ContractStatus
) -> None:
    contract = contract_in(cast, status)
    commit_now()
    assert contract.status == status


def test_committed_database__holds_what_was_committed(committed: Cast) -> None:
    assert contract_in(committed, ContractStatus.COMPLETED).status == ContractStatus.COMPLETED
