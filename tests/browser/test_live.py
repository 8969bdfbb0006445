"""Running jobs on the home page and on the job's page: they update without a reload."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from governance.domain.values import JobStatus, StepStatus
from tests.browser import desk
from tests.support.admin import job_url
from tests.support.factories import reloaded, running_job
from tests.support.users import Users


@pytest.mark.long
def test_home__while_a_job_runs__fills_up_and_empties_without_a_reload(
    founder_page: Page, committed: Users
) -> None:
    page = desk.with_fake_clock(founder_page)
    desk.go(page, "index")
    runs = page.get_by_role("region", name="Runs now")
    expect(runs).to_contain_text("No job runs now.")
    with desk.without_reload(page):
        running = running_job(committed, title="Bring search to preview")
        desk.advance_clock(page)
        expect(runs.get_by_role("link", name="Bring search to preview")).to_be_visible()
        expect(runs).to_contain_text("0 of 3 steps reported")

        running.record(running.report(0))
        desk.advance_clock(page)
        expect(runs).to_contain_text("1 of 3 steps reported")
        expect(runs.get_by_role("progressbar")).to_have_js_property("value", 1)

        running.record(running.report(1, StepStatus.FAILED))
        running.complete()
        desk.advance_clock(page)
        expect(runs).to_contain_text("No job runs now.")
        expect(runs.get_by_role("link")).to_have_count(0)


def test_job__while_it_runs__its_page_fills_up_to_the_end_without_a_reload(
    founder_page: Page, committed: Users
) -> None:
    running = running_job(committed)
    page = desk.with_fake_clock(founder_page)
    page.goto(job_url(running.job))
    bar = page.get_by_role("region", name="Job", exact=True)
    steps = page.get_by_role("region", name="Timeline").locator("li .gov-label")
    expect(steps).to_have_text(["running", "planned", "planned"])
    with desk.without_reload(page):
        running.record(running.report(0, output={"moved": "everything"}))
        desk.advance_clock(page)
        expect(steps).to_have_text(["done", "running", "planned"])
        expect(bar).to_contain_text("1 of 3 steps reported")

        # An open fold stays open when the next report arrives.
        page.get_by_text("Output").first.click()
        expect(page.get_by_text("everything")).to_be_visible()
        running.record(running.report(1))
        desk.advance_clock(page)
        expect(steps).to_have_text(["done", "done", "running"])
        expect(page.get_by_text("everything")).to_be_visible()

        running.record(running.report(2, StepStatus.FAILED, error="The index is away."))
        running.complete()
        desk.advance_clock(page)
        expect(steps).to_have_text(["done", "done", "failed"])
        expect(bar).to_contain_text("FAILED")
        expect(page.get_by_role("region", name="Evidence")).to_contain_text("intact")
        expect(page.get_by_role("status")).to_contain_text("live: failed, 3 of 3 steps reported")
    assert reloaded(running.job).status == JobStatus.FAILED


@pytest.mark.long
def test_job__when_the_site_is_unreachable__says_that_it_is_not_live(
    founder_page: Page, committed: Users
) -> None:
    page = desk.with_fake_clock(founder_page)
    page.goto(job_url(running_job(committed).job))
    page.context.set_offline(True)
    desk.advance_clock(page)
    expect(page.get_by_role("status")).to_have_text("not live; reload to see more")
    page.context.set_offline(False)
    desk.advance_clock(page, seconds=10)
    expect(page.get_by_role("status")).to_contain_text("live: running, 0 of 3 steps reported")
