"""What runs fills up before one's eyes, without a reload."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from governance.vocabulary.values import StepStatus
from tests.browser import desk
from tests.support.cast import Cast
from tests.support.stories import running_job


def test_home__while_a_job_runs__fills_up_and_empties_without_a_reload(
    founders_page: Page, committed: Cast
) -> None:
    page = founders_page
    desk.go(page, "index")
    page.evaluate("window.neverReloaded = true")
    runs = page.get_by_role("region", name="Runs now")
    expect(runs).to_contain_text("Nothing runs now.")

    running = running_job(committed, title="Bring search to preview")
    expect(runs.get_by_role("link", name="Bring search to preview")).to_be_visible()
    expect(runs).to_contain_text("0 of 3 steps reported")
    running.record(running.report(0))
    expect(runs).to_contain_text("1 of 3 steps reported")
    expect(runs.get_by_role("progressbar")).to_have_js_property("value", 1)
    running.record(running.report(1, StepStatus.FAILED))
    running.complete()
    expect(runs).to_contain_text("Nothing runs now.")
    expect(runs.get_by_role("link")).to_have_count(0)
    assert page.evaluate("window.neverReloaded")
