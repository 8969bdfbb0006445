"""Succession in the API: a contract and its successor link to each other."""

from __future__ import annotations

from tests.api.conftest import ClientFor
from tests.api.support import API
from tests.support.factories import eligible
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
