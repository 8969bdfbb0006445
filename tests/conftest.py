"""Fixtures that every test may ask for; see tests/support for the stories behind them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.support.databases import cloned, ensure_template
from tests.support.users import Users, create_users

# The tests about the packages whose branches are counted: these alone are traced under `--cov`,
# which makes Python slower by a third. Pages and calls run through the same code, but a branch that
# only they reach has no test of its own.
COUNTED = (
    *("unit", "architecture", "flows", "database", "commands"),
    *(
        "admin/test_capability_page.py",
        "admin/test_ledger_page.py",
        "admin/test_verify_evidence.py",
    ),
    *("api/test_stream_broker.py", "api/test_events.py"),
)
# A long test that starts last would leave the other workers with nothing to do.
LONG = ("stress", "fuzz")

# The suite has its settings by now; a site that a test starts as a process takes its own.
os.environ["DJANGO_SETTINGS_MODULE"] = "govsite.settings"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones first; coverage is counted where it says something."""
    for item in items:
        if not _is_in(item, COUNTED):
            item.add_marker(pytest.mark.no_cover)
    items.sort(key=lambda item: not _is_in(item, LONG))


def _is_in(item: pytest.Item, paths: tuple[str, ...]) -> bool:
    path = item.path.relative_to(Path(__file__).parent)
    return any(path.is_relative_to(one) for one in paths)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Instead of pytest-django's own: this worker's clone of the migrated template."""
    with django_db_blocker.unblock(), cloned(ensure_template()):
        yield


@pytest.fixture
def users(db: None) -> Users:
    """The cast, in the test's transaction."""
    return create_users()


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[Users]:
    """The cast in a database of the test's own, where commits are real and threads can meet."""
    with django_db_blocker.unblock(), cloned(ensure_template()):
        yield create_users()


@pytest.fixture
def commit_now(db: None) -> Any:
    """Check the deferred laws now, as a commit would."""

    def check() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    return check
