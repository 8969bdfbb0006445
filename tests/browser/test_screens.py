"""Every screen at the width of a laptop and of a phone: no overflow, and no finding of axe-core.

The test writes a picture of each screen to `screenshots/`, which git ignores.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from governance.models import Account
from tests.browser.conftest import OpenPage
from tests.browser.desk import DARK, LAPTOP, LIGHT, PHONE, press
from tests.browser.screens import (
    FROZEN_SCREENS,
    HELD_SCREENS,
    SCREENS,
    Screen,
    add_screen_records,
    let_reviews_pass,
    start_demo_freeze,
)
from tests.support.commands import ROOT

pytestmark = pytest.mark.long

SCREENSHOTS = ROOT / "screenshots"
# The screens that founders use most, checked in all four settings; the others only once.
MAIN_SCREENS = {"home", "queue", "contract", "job-running", "job-done", "job-failed"}
MAIN_SCREENS |= {"contract-failed", "job-observed", "settle"}
WORST = {"serious", "critical"}
ASKED_FOR = {"heading-order"}

# Finds buttons that are wider than they should be, anything that makes the page scroll sideways,
# and, on a laptop, scrolling boxes whose content is wider than they are.
STICKS_OUT = """() => {
    const page = document.scrollingElement;
    const wide = (element) => element.scrollWidth > element.clientWidth + 1;
    const scrolls = (element) => /auto|scroll/.test(getComputedStyle(element).overflowX);
    const sticksOut = (element) => element.getBoundingClientRect().right > page.clientWidth + 1;
    const everything = Array.from(document.querySelectorAll("#content *:not(.gov-unseen)"));
    const buttons = everything.filter((element) => element.matches("button, .gov-buttons > *"));
    const frames = everything.filter((element) => !element.matches("pre") && scrolls(element));
    const found = buttons.filter(wide);
    if (page.clientWidth >= 1024) found.push(...frames.filter(wide));
    if (wide(page)) found.push(page, ...everything.filter(sticksOut));
    return found.map((element) => element.outerHTML.slice(0, 160));
}"""


@pytest.mark.parametrize(
    ("size", "light", "examined", "shown"),
    [
        pytest.param(LAPTOP, LIGHT, None, None, id="1280-light"),
        pytest.param(PHONE, LIGHT, MAIN_SCREENS, None, id="390-light"),
        pytest.param(LAPTOP, DARK, MAIN_SCREENS, MAIN_SCREENS, id="1280-dark"),
        pytest.param(PHONE, DARK, MAIN_SCREENS, MAIN_SCREENS, id="390-dark"),
    ],
)
def test_screens__each_one__fits_its_width_and_axe_finds_nothing_serious(
    open_demo_page_as: OpenPage,
    request: pytest.FixtureRequest,
    size: dict[str, Any],
    light: dict[str, Any],
    examined: set[str] | None,
    shown: set[str] | None,
) -> None:
    """Check each screen.

    Args:
        examined: names of the screens that axe-core examines; None for all.
        shown: names of the screens that are opened; None for all.
    """
    add_screen_records()
    pages = {
        who: open_demo_page_as(Account.objects.get(username=who), **(size | light))
        for who in ("founder", "operator", "admin", "auditor-1")
    }
    folder = SCREENSHOTS / request.node.callspec.id
    found: dict[str, list[str]] = {}

    def check_screen(screen: Screen) -> None:
        if shown is not None and screen.name not in shown:
            return
        page = pages[screen.who if screen.who in pages else "founder"]
        page.goto(screen.address())
        if screen.press:
            press(page, screen.press)
            secret = page.get_by_role("textbox", name="The token")
            expect(page.get_by_role("alert").or_(secret)).to_be_visible()
        found[screen.name] = page.evaluate(STICKS_OUT)
        if examined is None or screen.name in examined:
            found[screen.name] += findings(page)
        save_screenshot(page, folder, screen.name)

    for screen in SCREENS:
        check_screen(screen)
    start_demo_freeze()
    for screen in FROZEN_SCREENS:
        check_screen(screen)
    let_reviews_pass()
    for screen in HELD_SCREENS:
        check_screen(screen)
    assert {name: words for name, words in found.items() if words} == {}
    assert found.keys() >= MAIN_SCREENS


def findings(page: Page) -> list[str]:
    """Return axe-core's findings that are serious or critical, with their elements."""
    result = Axe().run(page, options={"resultTypes": ["violations", "incomplete"]}).response
    # Findings that axe-core cannot decide count too, except contrast, which it cannot decide for
    # symbols such as arrows.
    unsure = [rule for rule in result["incomplete"] if rule["id"] != "color-contrast"]
    broken = [rule for rule in result["incomplete"] if "error-occurred" in str(rule)]
    return [
        f"{rule['id']} ({rule['impact']}): {node['target']} {node.get('failureSummary', node)}"
        for rule in [*result["violations"], *unsure, *broken]
        if rule["impact"] in WORST or rule["id"] in ASKED_FOR or rule in broken
        for node in rule["nodes"]
    ]


def save_screenshot(page: Page, folder: Path, name: str) -> None:
    page.screenshot(path=folder / f"{name}.png", full_page=True, animations="disabled")
