"""`make run`: after one approval the change is made, observed, audited and shown, by itself."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser import desk
from tests.browser.desk import LAPTOP, signed_in_page
from tests.support.site_process import running_site_process

MAX_SECONDS = 10
TITLE = "Suggest ten books instead of three"


def log_in(page: Page, username: str, password: str) -> None:
    page.goto("/admin/login/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_run__one_approval__the_page_shows_the_verified_change_without_another_hand(
    browser: Browser,
) -> None:
    complaints: list[str] = []
    with (
        running_site_process(with_demo=True) as site,
        signed_in_page(browser, site.address, None, complaints, **LAPTOP) as page,
    ):
        [password] = re.findall(r"^  founder +(\S+)", site.output(), re.MULTILINE)
        log_in(page, "founder", password)
        desk.go(page, "governance_systemcontract_queue")
        page.get_by_role("link", name=TITLE).click()
        desk.press(page, "Approve…")
        page.get_by_label("Activate by itself").check()
        page.get_by_label("Why, beside the other open contracts").fill("The other one can follow.")
        desk.press(page, "Approve")
        bar = page.get_by_role("region", name="Decision")
        happened = page.get_by_role("region", name="What happened")
        with desk.without_reload(page):
            expect(bar).to_contain_text("COMPLETED", timeout=MAX_SECONDS * 1000)
            expect(happened).to_contain_text("PASS")
            expect(happened).to_contain_text("What was observed is what was planned.")
            row = happened.get_by_role("row").filter(has_text="suggestions_shown")
            recorded = row.get_by_role("cell").last
            expect(recorded).to_contain_text("10 Step 1 of this contract")
            expect(recorded).to_contain_text("verified by its audit")
            expect(page.get_by_role("status")).to_have_text("ended: completed")
        page.get_by_role("link", name="Steps, results, evidence").click()
        step = page.get_by_role("region", name="Steps")
        for side in ("Before the job", "Planned", "Reported", "Observed after"):
            expect(step.get_by_role("term").filter(has_text=side).first).to_be_visible()
        page.get_by_role("link", name="report to print").click()
        expect(page.get_by_role("button", name="Print")).to_be_visible()
    assert complaints == []
