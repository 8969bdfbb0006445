"""A founder's clarification request in the API: readers see it and the paused review."""

from __future__ import annotations

from datetime import datetime

from governance.flows.review_contract import reject_contract
from governance.models import ClarificationRequest
from tests.api.conftest import ClientFor
from tests.api.support import API
from tests.support.factories import answered, asked, eligible
from tests.support.users import Users


def test_contract__with_an_open_question__shows_it_and_no_end(
    users: Users, client_for: ClientFor
) -> None:
    contract = asked(users)
    shown = client_for(users.viewer).get(f"{API}contracts/{contract.pk}/").json()
    asked_at = shown["clarification"].pop("asked_at")
    assert datetime.fromisoformat(asked_at) == ClarificationRequest.objects.get().asked_at
    assert shown["clarification"] == {"number": 1, "question": "Why now?", "asked_by": "founder"}
    assert shown["review_ends_at"] is None
    assert datetime.fromisoformat(shown["expires_at"]) == contract.expires_at


def test_contract__without_one_or_decided__shows_none(users: Users, client_for: ClientFor) -> None:
    left_open = asked(users)
    reject_contract(contract_id=left_open.pk, founder=users.founder, reason="Not before the sale.")
    viewer = client_for(users.viewer)
    for contract in (eligible(users), answered(users)):
        shown = viewer.get(f"{API}contracts/{contract.pk}/").json()
        assert shown["clarification"] is None
        assert datetime.fromisoformat(shown["review_ends_at"]) == contract.review_ends_at
    assert viewer.get(f"{API}contracts/{left_open.pk}/").json()["clarification"] is None


def test_list__shows_the_end_of_each_review(users: Users, client_for: ClientFor) -> None:
    waiting, running = asked(users), answered(users)
    rows = client_for(users.viewer).get(f"{API}contracts/").json()["results"]
    ends = {row["id"]: row["review_ends_at"] for row in rows}
    assert ends[str(waiting.pk)] is None
    assert datetime.fromisoformat(ends[str(running.pk)]) == running.review_ends_at
