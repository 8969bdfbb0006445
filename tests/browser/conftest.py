"""Fixtures of the browser tests: the browser, the site, and pages of signed-in people.

Without Chromium on the machine, the tests in this folder are skipped with one line. If `CI` is set,
they fail instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from governance.demo.load_demo import load_demo
from governance.models import Account
from tests.browser import chromium
from tests.browser.desk import LAPTOP, LIGHT, PATIENCE_MS, signed_in_page
from tests.support.databases import cloned, ensure_template
from tests.support.sites import running_site
from tests.support.users import Users

OpenPage = Callable[..., Page]
FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a browser, keep one skipped test and deselect the others, for a single message."""
    ours = [item for item in items if item.path.is_relative_to(FOLDER)]
    if chromium.PATH or os.environ.get("CI") or not ours:
        return
    first, *others = ours
    words = f"{chromium.HOW_TO_GET_IT}: {len(ours)} browser tests are skipped"
    first.add_marker(pytest.mark.skip(reason=words))
    items[:] = [item for item in items if item not in others]
    config.hook.pytest_deselected(items=others)


@pytest.fixture(scope="session")
def chromium_required() -> None:
    if not chromium.PATH:
        pytest.fail(chromium.HOW_TO_GET_IT, pytrace=False)


@pytest.fixture
def browser(chromium_required: None) -> Iterator[Browser]:
    """Start a browser process for this test; it takes half a second and shares no state."""
    expect.set_options(timeout=PATIENCE_MS)
    with chromium.running_chromium() as started:
        yield started


@pytest.fixture
def site(chromium_required: None, committed: Users) -> Iterator[str]:
    """Run a site on this test's database, and return its address."""
    with running_site() as address:
        yield address


@pytest.fixture
def demo_site(
    chromium_required: None, django_db_setup: None, django_db_blocker: Any
) -> Iterator[str]:
    """Run a site on a database with the demo, which has contracts in every status."""
    with django_db_blocker.unblock(), cloned(ensure_template()):
        load_demo()
        with running_site() as address:
            yield address


@pytest.fixture
def open_page_as(site: str, browser: Browser) -> Iterator[OpenPage]:
    """Return a function that opens a page of the site, signed in as a person or anonymous."""
    yield from pages_of(browser, site)


@pytest.fixture
def open_demo_page_as(demo_site: str, browser: Browser) -> Iterator[OpenPage]:
    """Return a function that opens a page of the site with the demo."""
    yield from pages_of(browser, demo_site)


@pytest.fixture
def founder_page(open_page_as: OpenPage, committed: Users) -> Page:
    return open_page_as(committed.founder)


def pages_of(browser: Browser, address: str) -> Iterator[OpenPage]:
    """Yield a function that opens pages; afterwards assert that no page had a complaint.

    Complaints are script errors, server errors, missing static files, and requests to other hosts.
    """
    complaints: list[str] = []
    with ExitStack() as leaving:

        def open_page(person: Account | None, **screen: Any) -> Page:
            options = LAPTOP | LIGHT | screen
            return leaving.enter_context(
                signed_in_page(browser, address, person, complaints, **options)
            )

        yield open_page
    assert complaints == []
