"""A browser for each test, the site it looks at, and people who sit down in front of it.

Without a Chromium on the machine the tests here are skipped, which pytest tells in one line; where
`CI` is set they fail instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
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
    """Without a browser one test stands for all, so that their being skipped is told once."""
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
    """A browser process of the test's own: half a second, and nothing is left of the last one."""
    expect.set_options(timeout=PATIENCE_MS)
    with chromium.running_chromium() as started:
        yield started


@pytest.fixture
def site(chromium_required: None, committed: Users) -> Iterator[str]:
    """The address of a site on the database of this test's cast."""
    with running_site() as address:
        yield address


@pytest.fixture
def demo_site(
    chromium_required: None, django_db_setup: None, django_db_blocker: Any
) -> Iterator[str]:
    """The address of a site on a database that holds the demo, with something in every state."""
    with django_db_blocker.unblock(), cloned(ensure_template()):
        load_demo(at=timezone.now())
        with running_site() as address:
            yield address


@pytest.fixture
def open_page_as(site: str, browser: Browser) -> Iterator[OpenPage]:
    """Opens a page of the site for a person who has signed in, or for nobody."""
    yield from pages_of(browser, site)


@pytest.fixture
def open_demo_page_as(demo_site: str, browser: Browser) -> Iterator[OpenPage]:
    """Opens a page of the demo's site for somebody."""
    yield from pages_of(browser, demo_site)


@pytest.fixture
def founder_page(open_page_as: OpenPage, committed: Users) -> Page:
    return open_page_as(committed.founder)


def pages_of(browser: Browser, address: str) -> Iterator[OpenPage]:
    """Afterwards none may have had an error in a script, a failure of the site as an answer, or a
    wish for anything from another host.
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
