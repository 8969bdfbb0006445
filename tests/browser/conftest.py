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

from governance.demo.story import load_demo
from governance.models import Account
from tests.browser import chromium
from tests.browser.desk import LAPTOP, LIGHT, PATIENCE_MS, sit_down
from tests.support.cast import Cast
from tests.support.databases import cloned, ensure_template
from tests.support.sites import running_site

AtTheDesk = Callable[..., Page]
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
def there_is_a_browser() -> None:
    if not chromium.PATH:
        pytest.fail(chromium.HOW_TO_GET_IT, pytrace=False)


@pytest.fixture
def browser(there_is_a_browser: None) -> Iterator[Browser]:
    """A browser process of the test's own: half a second, and nothing is left of the last one."""
    expect.set_options(timeout=PATIENCE_MS)
    with chromium.running_chromium() as started:
        yield started


@pytest.fixture
def site(there_is_a_browser: None, committed: Cast) -> Iterator[str]:
    """The address of a site on the database of this test's cast."""
    with running_site() as address:
        yield address


@pytest.fixture
def demo_site(
    there_is_a_browser: None, django_db_setup: None, django_db_blocker: Any
) -> Iterator[str]:
    """The address of a site on a database that holds the demo, with something in every state."""
    with django_db_blocker.unblock(), cloned(ensure_template()):
        load_demo(at=timezone.now())
        with running_site() as address:
            yield address


@pytest.fixture
def at_the_desk(site: str, browser: Browser) -> Iterator[AtTheDesk]:
    """Opens a page of the site for a person who has signed in, or for nobody."""
    yield from pages_of(browser, site)


@pytest.fixture
def at_the_demo(demo_site: str, browser: Browser) -> Iterator[AtTheDesk]:
    """Opens a page of the demo's site for somebody."""
    yield from pages_of(browser, demo_site)


@pytest.fixture
def founders_page(at_the_desk: AtTheDesk, committed: Cast) -> Page:
    return at_the_desk(committed.founder)


def pages_of(browser: Browser, address: str) -> Iterator[AtTheDesk]:
    """Afterwards none may have had an error in a script, a failure of the site as an answer, or a
    wish for anything from another host.
    """
    complaints: list[str] = []
    with ExitStack() as leaving:

        def sit(person: Account | None, **screen: Any) -> Page:
            options = LAPTOP | LIGHT | screen
            return leaving.enter_context(sit_down(browser, address, person, complaints, **options))

        yield sit
    assert complaints == []
