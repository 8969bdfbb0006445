"""Withdrawing an approval and proposing a contract again in the admin; names in histories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.domain.values import ContractStatus
from governance.flows.propose_contract import propose_again
from governance.flows.review_contract import withdraw_approval
from governance.models import Account, SystemContract
from tests.admin.conftest import Browser
from tests.support.admin import contract_url, words_of
from tests.support.factories import approved, contract_in, eligible, reloaded
from tests.support.freezes import frozen
from tests.support.users import Users

REASON = "The release was called off."
Rows = Callable[[], dict[str, list[Any]]]


def page_of(browser: Client, contract: SystemContract) -> str:
    answer = browser.get(contract_url(contract))
    assert answer.status_code == 200
    return words_of(answer)


def test_withdrawing__while_frozen__by_the_button_and_the_form(
    users: Users, founder_browser: Client, commit_now: Callable[[], None]
) -> None:
    contract = approved(users)
    frozen(users)
    form = contract_url(contract, "withdraw")
    assert f'href="{form}"' in page_of(founder_browser, contract)
    assert "is never activated" in founder_browser.get(form).content.decode()
    answer = founder_browser.post(form, {"reason": REASON}, follow=True)
    assert answer.redirect_chain == [(contract_url(contract), 302)]
    text = words_of(answer)
    assert "A founder withdrew its approval." in text
    assert f'<p class="gov-prose">{REASON}</p>' in text
    assert "withdrew the approval" in text
    assert "approval_withdrawn" not in text
    assert reloaded(contract).status == ContractStatus.FAILED
    commit_now()


@pytest.mark.parametrize("reason", ["", "ten chars.", "x" * 4001])
def test_withdrawing__reason_too_short_or_long__refused_with_what_was_typed(
    users: Users, founder_browser: Client, everything: Rows, reason: str
) -> None:
    contract = approved(users)
    before = everything()
    answer = founder_browser.post(contract_url(contract, "withdraw"), {"reason": reason})
    assert answer.status_code == 400
    assert answer.context["refusal"].code in {"reason_required", "invalid_input"}
    assert reason in answer.content.decode()
    assert everything() == before


def test_withdrawing__after_the_activation_or_the_end__409_and_no_button(
    users: Users, founder_browser: Client
) -> None:
    for status in (ContractStatus.ELIGIBLE, ContractStatus.ACTIVE, ContractStatus.FAILED):
        contract = contract_in(users, status)
        form = contract_url(contract, "withdraw")
        assert form not in page_of(founder_browser, contract)
        assert founder_browser.post(form, {"reason": REASON}).status_code == 409


@pytest.mark.parametrize("who", ["operator", "viewer"])
def test_page__of_an_approved_contract__offers_no_withdrawal_to_others(
    users: Users, signed_in: Browser, who: str
) -> None:
    contract = approved(users)
    text = page_of(signed_in(getattr(users, who)), contract)
    assert contract_url(contract, "withdraw") not in text


def test_page__of_a_contract_whose_signer_left__says_so_and_the_way_out(
    users: Users, signed_in: Browser
) -> None:
    contract = approved(users)
    browser = signed_in(users.second_founder)
    assert "No active founder any more" not in page_of(browser, contract)
    users.founder.groups.clear()
    text = page_of(browser, contract)
    assert "No active founder any more, but signed it: founder." in text
    assert contract_url(contract, "withdraw") in text


# --- proposing again ---
@pytest.mark.parametrize("who", ["founder", "operator"])
def test_repeating__a_withdrawn_contract__leads_to_the_draft_and_both_pages_say_so(
    users: Users, signed_in: Browser, who: str
) -> None:
    contract = approved(users)
    withdraw_approval(contract_id=contract.pk, founder=users.founder, reason=REASON)
    browser = signed_in(getattr(users, who))
    form = contract_url(contract, "repeat")
    assert f'href="{form}"' in page_of(browser, contract)
    answer = browser.post(form, {}, follow=True)
    draft = SystemContract.objects.get(repeats=contract)
    assert answer.redirect_chain == [(contract_url(draft), 302)]
    link = f'Proposes <a class="gov-link" href="{contract_url(contract)}">{contract.reference}</a>'
    assert link in words_of(answer)
    old = page_of(browser, contract)
    assert "Proposed again as" in old
    assert f'href="{contract_url(draft)}">{draft.reference}</a>' in old


def test_repeating__a_contract_that_is_open_or_done__409_and_no_button(
    users: Users, founder_browser: Client
) -> None:
    for status in (ContractStatus.ELIGIBLE, ContractStatus.COMPLETED):
        contract = contract_in(users, status)
        form = contract_url(contract, "repeat")
        assert form not in page_of(founder_browser, contract)
        assert founder_browser.post(form, {}).status_code == 409


def test_page__of_a_contract_repeated_often__asks_no_more_queries(
    users: Users, founder_browser: Client
) -> None:
    contract = contract_in(users, ContractStatus.REJECTED)
    counts = []
    for _ in range(2):
        propose_again(contract_id=contract.pk, proposer=users.operator)
        with CaptureQueriesContext(connection) as sent:
            page_of(founder_browser, contract)
        counts.append(len(sent))
    assert counts[0] == counts[1]


# --- who it was ---
@pytest.mark.parametrize("page", ["change", "ledger"])
def test_history__after_an_account_was_renamed__shows_both_names_and_the_id(
    users: Users, founder_browser: Client, page: str
) -> None:
    contract = eligible(users)
    shown = f"operator (account {users.operator.pk})"
    assert shown in words_of(founder_browser.get(contract_url(contract, page)))
    Account.objects.filter(pk=users.operator.pk).update(username="bea")
    renamed = f"operator (account {users.operator.pk}, now bea)"
    assert renamed in words_of(founder_browser.get(contract_url(contract, page)))
