"""A founder stops the line; everybody sees it on every page; another one lets it run again."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from governance.models import LineFreeze, LineThaw
from governance.vocabulary.values import ContractStatus
from tests.browser import desk
from tests.browser.conftest import AtTheDesk
from tests.browser.screens import SCREENS
from tests.support.cast import Cast
from tests.support.stories import again, eligible, running_job


def banner(page: Page) -> Locator:
    return page.get_by_role("alert").filter(has_text="The line is frozen")


def test_line__frozen_and_thawed__the_banner_comes_to_every_page_and_goes(
    at_the_desk: AtTheDesk, committed: Cast
) -> None:
    contract, job = eligible(committed), running_job(committed).job
    founder = at_the_desk(committed.founder)
    desk.stop_the_line(founder, "The payment provider is down.")
    desk.is_told(founder, "The line stands still until")
    freeze = LineFreeze.objects.get()
    assert freeze.reason == "The payment provider is down."

    viewer = at_the_desk(committed.viewer)
    for screen in SCREENS:
        if screen.who == "anybody" and screen.exists():
            viewer.goto(screen.address())
            expect(banner(viewer), screen.name).to_contain_text("The payment provider is down.")

    desk.go_to_contract(founder, contract)
    expect(founder.get_by_role("link", name="Approve…")).to_have_count(0)
    desk.is_told(founder, "line_frozen")
    assert again(contract).status == ContractStatus.ELIGIBLE
    assert again(job).status == "RUNNING"

    second = at_the_desk(committed.second_founder)
    desk.thaw_the_line(second, "It is back.")
    desk.is_told(second, "Thawed. The line runs.")
    expect(banner(second)).to_have_count(0)
    assert LineThaw.objects.get().thawed_by == committed.second_founder
    viewer.reload()
    expect(banner(viewer)).to_have_count(0)
    desk.approve(founder, contract)
    desk.is_told(founder, "Approved.")
