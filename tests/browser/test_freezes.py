"""A change freeze in the browser: one founder starts it, every page shows it, another lifts it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from governance.domain.values import ContractStatus
from governance.models import ChangeFreeze, FreezeLift
from tests.browser import desk
from tests.browser.conftest import OpenPage
from tests.browser.screens import SCREENS
from tests.support.factories import eligible, reloaded, running_job
from tests.support.users import Users

pytestmark = pytest.mark.long


def banner(page: Page) -> Locator:
    return page.get_by_role("alert").filter(has_text="Changes are frozen")


def test_freeze__started_and_lifted__the_banner_appears_on_every_page_and_disappears(
    open_page_as: OpenPage, committed: Users
) -> None:
    contract = eligible(committed)
    other = {"type": "parameter_change", "scope": "Stock", "parameters": {"k": 1}}
    job = running_job(committed, affected_capabilities=["Stock"], proposed_changes=[other]).job
    founder = open_page_as(committed.founder)
    desk.start_freeze(founder, "The payment provider is down.")
    desk.expect_text(founder, "Changes are frozen until")
    freeze = ChangeFreeze.objects.get()
    assert freeze.reason == "The payment provider is down."

    viewer = open_page_as(committed.viewer)
    for screen in SCREENS:
        if screen.who == "anybody" and screen.exists():
            viewer.goto(screen.address())
            expect(banner(viewer), screen.name).to_contain_text("The payment provider is down.")

    desk.go_to_contract(founder, contract)
    expect(founder.get_by_role("link", name="Approve…")).to_have_count(0)
    desk.expect_text(founder, "This contract cannot be approved now")
    assert reloaded(contract).status == ContractStatus.ELIGIBLE
    assert reloaded(job).status == "RUNNING"

    second = open_page_as(committed.second_founder)
    desk.lift_freeze(second, "It is back.")
    desk.expect_text(second, "Freeze lifted. Changes are possible again.")
    expect(banner(second)).to_have_count(0)
    assert FreezeLift.objects.get().lifted_by == committed.second_founder
    viewer.reload()
    expect(banner(viewer)).to_have_count(0)
    desk.approve(founder, contract)
    desk.expect_text(founder, "Approved.")
