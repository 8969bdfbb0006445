"""Succession in the API: a contract and its successor link to each other."""

from __future__ import annotations

from governance.flows.propose_contract import propose_again
from governance.flows.review_contract import withdraw_approval
from tests.api.conftest import ClientFor
from tests.api.support import API
from tests.support.factories import approved, eligible
from tests.support.succession import modified
from tests.support.users import Users


def test_contract__that_was_modified__names_its_parent_and_its_successor(
    users: Users, client_for: ClientFor
) -> None:
    successor, other = modified(users), eligible(users)
    viewer = client_for(users.viewer)
    for contract_id, parent_id, successor_id in (
        (successor.parent_id, None, str(successor.pk)),
        (successor.pk, str(successor.parent_id), None),
        (other.pk, None, None),
    ):
        shown = viewer.get(f"{API}contracts/{contract_id}/").json()
        assert (shown["parent_id"], shown["successor_id"]) == (parent_id, successor_id)


def test_contract__that_was_withdrawn_and_repeated__says_why_it_ended_and_what_it_repeats(
    users: Users, client_for: ClientFor
) -> None:
    old, viewer = approved(users), client_for(users.viewer)
    withdraw_approval(contract_id=old.pk, founder=users.founder, reason="It was called off.")
    draft = propose_again(contract_id=old.pk, proposer=users.operator)
    shown = viewer.get(f"{API}contracts/{old.pk}/").json()
    assert (shown["status"], shown["repeats_id"]) == ("FAILED", None)
    assert shown["closed_reason"] == "approval_withdrawn: It was called off."
    again = viewer.get(f"{API}contracts/{draft.pk}/").json()
    assert (again["status"], again["repeats_id"]) == ("DRAFT", str(old.pk))
