"""Rejecting in the admin: the reason, the refusals, and the final status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from governance.domain.roles import Role
from governance.domain.values import ContractStatus
from governance.services.access.accounts import assign_role
from tests.admin.conftest import Browser
from tests.support.admin import contract_url
from tests.support.factories import draft, eligible, reloaded
from tests.support.users import Users

Rows = Callable[[], dict[str, list[Any]]]


def test_rejecting__with_a_reason__contract_is_rejected_and_the_reason_kept(
    users: Users, founder_browser: Client, commit_now: Callable[[], None]
) -> None:
    contract = eligible(users)
    answer = founder_browser.post(
        contract_url(contract, "reject"), {"reason": "Not before the sale."}, follow=True
    )
    assert answer.redirect_chain == [(contract_url(contract), 302)]
    rejected = reloaded(contract)
    assert rejected.status == ContractStatus.REJECTED
    assert rejected.closed_by == users.founder
    assert rejected.closed_reason == "Not before the sale."
    assert "Not before the sale." in answer.content.decode()
    commit_now()


@pytest.mark.parametrize("reason", ["", "ten chars.", "   ten chars.   ", "x" * 4001])
def test_rejecting__reason_too_short_or_long__refused_on_the_form_with_what_was_typed(
    users: Users, founder_browser: Client, everything: Rows, reason: str
) -> None:
    contract = eligible(users)
    before = everything()
    answer = founder_browser.post(contract_url(contract, "reject"), {"reason": reason})
    assert answer.status_code == 400
    assert answer.context["refusal"].code in {"reason_required", "invalid_input"}
    assert reason.strip() in answer.content.decode()
    assert everything() == before


def test_rejecting__proposer__four_eyes(users: Users, signed_in: Browser, everything: Rows) -> None:
    users.operator.is_superuser = True
    users.operator.save()
    assign_role(users.operator, Role.FOUNDER)
    contract = eligible(users)
    before = everything()
    answer = signed_in(users.operator).post(
        contract_url(contract, "reject"), {"reason": "I changed my mind."}
    )
    assert answer.status_code == 403
    assert answer.context["refusal"].code == "four_eyes"
    assert everything() == before


def test_rejecting__draft__not_reviewed_before_its_verdicts(
    users: Users, founder_browser: Client
) -> None:
    """REVIEW-001: DRAFT → REJECTED is a valid move, but only a MAY_NOT verdict makes it."""
    contract = draft(users)
    answer = founder_browser.post(
        contract_url(contract, "reject"), {"reason": "Long enough a reason."}
    )
    assert answer.status_code == 409
    assert answer.context["refusal"].code == "not_eligible"
    assert reloaded(contract).status == ContractStatus.DRAFT
