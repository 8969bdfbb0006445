"""Proposals made to deceive, on the screens of a founder: nothing is lost, at either width."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from governance.models import SystemContract
from governance.services.registry.operations import register_capabilities
from tests.browser.conftest import OpenPage
from tests.browser.desk import DARK, LAPTOP, LIGHT, PHONE
from tests.browser.test_screens import SCREENSHOTS, STICKS_OUT, findings, save_screenshot
from tests.support.admin import contract_url
from tests.support.factories import eligible
from tests.support.users import Users

LONG_WORD = "W" * 200
LIST = list(range(300))
CONFIGURATION = {
    "daily_limit": 50,
    "greeting": "a b",
    "far": "line",
    "allowed": LIST,
    "terms": "word " * 900 + "end",
    "limits": {"hosts": {"a b": [1, 2, 3]}, "note": "x"},
}
NEW_VALUES: dict[str, Any] = {
    "daily_limit": "\u202e0001\u202c",
    "greeting": "a  b",
    "far": "line" + " " * 400 + "EVIL",
    "allowed": [7777 if number == 211 else number for number in LIST],
    "terms": "word " * 900 + "of EVIL end",
    "limits": {"hosts": {"a b": [1, 3, 4]}, "other": True},
}
# Each cell of a row must lie inside the screen and be visible; so must each word that matters.
LOST_CELLS = """() => [...document.querySelectorAll("tr[data-queue-row] > td")]
    .filter((cell) => {
        const box = cell.getBoundingClientRect();
        const room = document.scrollingElement.clientWidth + 1;
        return !box.width || !box.height || box.left < 0 || box.right > room
            || cell.scrollWidth > cell.clientWidth + 1;
    }).map((cell) => cell.outerHTML.slice(0, 120))"""


def change(key: str, new_value: Any) -> dict[str, Any]:
    document = {"type": "configuration_update", "scope": "GiftCards", "key": key}
    return document | {"old_value": CONFIGURATION.get(key), "new_value": new_value}


@pytest.fixture
def deceiving(committed: Users) -> list[SystemContract]:
    register_capabilities(documents=[{"name": "GiftCards", "configuration": CONFIGURATION}])
    given = {"affected_capabilities": ["GiftCards"]}
    changes = [change(key, value) for key, value in NEW_VALUES.items()]
    lying_key = "daily_limit of GiftCards from 50 to 51 and key x"
    changes += [change("daily_limit", 50), change(lying_key, 2)]
    return [
        eligible(committed, title=title, proposed_changes=changes, **given)
        for title in (LONG_WORD, "Raise the limit")
    ]


@pytest.mark.parametrize(
    ("size", "light"),
    [
        pytest.param(LAPTOP, LIGHT, id="1280-light"),
        pytest.param(PHONE, LIGHT, id="390-light"),
        pytest.param(LAPTOP, DARK, id="1280-dark"),
        pytest.param(PHONE, DARK, id="390-dark"),
    ],
)
def test_screens__with_proposals_that_deceive__lose_nothing(
    open_page_as: OpenPage,
    committed: Users,
    deceiving: list[SystemContract],
    request: pytest.FixtureRequest,
    size: dict[str, Any],
    light: dict[str, Any],
) -> None:
    page = open_page_as(committed.founder, **(size | light))
    folder = SCREENSHOTS / request.node.callspec.id
    screens = {
        "home-desk": reverse("admin:index"),
        "queue-desk": reverse("admin:governance_systemcontract_queue"),
        "contract-desk": contract_url(deceiving[0]),
        "approve-desk": contract_url(deceiving[0], "approve"),
    }
    found = {}
    for name, address in screens.items():
        page.goto(address)
        found[name] = page.evaluate(STICKS_OUT) + findings(page)
        if name in ("home-desk", "queue-desk"):
            assert page.locator("tr[data-queue-row]").count() == len(deceiving)
            found[name] += page.evaluate(LOST_CELLS)
        else:
            found[name] += missing(page)
        save_screenshot(page, folder, name)
    assert {name: words for name, words in found.items() if words} == {}


def missing(page: Page) -> list[str]:
    """Return what a founder must see at once, without opening a fold, and does not."""
    shown = page.locator("#content-main").inner_text()
    wanted = ["⟦U+202E⟧0001⟦U+202C⟧", "⟦2 spaces⟧", "⟦400 spaces⟧", "EVIL", "of EVIL", "[211]"]
    wanted += ["7777", "Show 299 unchanged of 300", "Nothing changes here"]
    return [words for words in wanted if words not in shown] + [
        json.dumps(words) for words in ("\u202e", "\u202c") if words in shown
    ]
