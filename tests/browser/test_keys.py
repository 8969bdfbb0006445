"""The keyboard shortcuts of the review queue: they move and open forms; none decides."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from governance.domain.values import ContractStatus
from governance.models import SystemContract
from tests.browser import desk
from tests.support.admin import contract_url
from tests.support.factories import eligible
from tests.support.users import Users


@pytest.fixture
def queue(founder_page: Page, committed: Users) -> list[SystemContract]:
    """Open the queue in `founder_page`; return its three contracts in their order."""
    waiting = [
        eligible(committed, risk_level=risk, title=f"A {risk} change")
        for risk in ("critical", "high", "low")
    ]
    desk.go(founder_page, "governance_systemcontract_queue")
    return waiting


def is_at(page: Page, contract: SystemContract) -> None:
    expect(page.locator("tr[data-current] .gov-row-link")).to_have_text(contract.title)
    expect(page.get_by_role("link", name=contract.title)).to_be_focused()


def is_on(page: Page, contract: SystemContract, page_name: str) -> None:
    expect(page).to_have_url(re.compile(re.escape(contract_url(contract, page_name)) + "$"))


@pytest.mark.long
def test_j_and_k__move_through_the_queue_and_stop_at_its_ends(
    founder_page: Page, queue: list[SystemContract]
) -> None:
    page = founder_page
    for key, expected in [("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1), ("k", 0), ("k", 0)]:
        page.keyboard.press(key)
        is_at(page, queue[expected])


@pytest.mark.long
def test_keys__lead_to_the_page_and_the_forms_and_back__and_decide_nothing(
    founder_page: Page, queue: list[SystemContract]
) -> None:
    page = founder_page
    for key, page_name in [
        ("Enter", "change"),
        ("a", "approve"),
        ("r", "reject"),
        ("c", "clarify"),
        ("m", "modify"),
    ]:
        page.keyboard.press("j")
        page.keyboard.press("j")
        is_at(page, queue[1])
        page.keyboard.press(key)
        is_on(page, queue[1], page_name)
        page.go_back()
        expect(page).to_have_url(re.compile("/queue/$"))
        page.reload()  # a page from the browser's cache would keep the focus
    assert {contract.status for contract in SystemContract.objects.all()} == {
        ContractStatus.ELIGIBLE
    }


@pytest.mark.long
def test_help__opened_by_its_key__closes_by_escape_and_lets_no_key_through(
    founder_page: Page, queue: list[SystemContract]
) -> None:
    page = founder_page
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator("tr[data-current]")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("j")
    is_at(page, queue[0])


@pytest.mark.long
def test_search__by_its_key__takes_letters_as_letters(
    founder_page: Page, queue: list[SystemContract]
) -> None:
    page = founder_page
    page.keyboard.press("/")
    page.keyboard.type("high jar")
    expect(page.get_by_label("Words")).to_have_value("high jar")
    expect(page.locator("tr[data-current]")).to_have_count(0)
    page.get_by_label("Words").fill("high change")
    page.keyboard.press("Enter")
    expect(page.locator("[data-queue-row]")).to_have_count(1)
    page.keyboard.press("j")
    is_at(page, queue[1])


def test_approving__with_the_keyboard_alone__from_the_queue_to_the_signature(
    founder_page: Page, queue: list[SystemContract]
) -> None:
    page = founder_page
    page.keyboard.press("j")
    page.keyboard.press("a")
    is_on(page, queue[0], "approve")
    desk.tab_to(page, page.get_by_label("Why, beside the other open contracts"))
    page.keyboard.type("Signed without a mouse.")
    desk.tab_to(page, page.get_by_label("Type the contract's reference"))
    page.keyboard.type(queue[0].reference)
    desk.tab_to(page, page.get_by_role("button", name="Approve", exact=True))
    page.keyboard.press("Enter")
    desk.expect_text(page, "Approved.")
    assert SystemContract.objects.get(pk=queue[0].pk).status == ContractStatus.APPROVED
