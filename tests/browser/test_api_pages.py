"""The two documentation pages of the API, at both widths, without errors or other hosts."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.desk import LAPTOP, PHONE
from tests.browser.test_screens import SCREENSHOTS

pytestmark = pytest.mark.long


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["1280", "390"])
@pytest.mark.parametrize("name", ["docs", "redoc"])
def test_page__of_the_api__shows_every_call_and_requests_no_other_host(
    open_page_as: OpenPage, name: str, size: dict[str, Any]
) -> None:
    """Script errors and requests to other hosts fail the test, as `pages_of` does for all pages."""
    page = open_page_as(None, **size)
    page.goto(f"/api/v1/{name}/")
    for call in ("List contracts", "Claim the oldest pending job", "Record the verdict on a job"):
        expect(page.get_by_text(call).last).to_be_attached()
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"api-{name}-{size['viewport']['width']}.png")
