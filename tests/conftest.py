"""Fixtures for all tests; `tests/support/` has their parts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.support.databases import cloned, ensure_template
from tests.support.users import Users, create_users

# The tests that `--cov` traces, because tracing makes Python slower by a third: those of the
# packages whose branch coverage must be complete. Tests of pages and calls run through the same
# code, but a branch that only they execute lacks a test of its own.
COUNTED = (
    *("unit", "architecture", "flows", "database", "commands"),
    *(
        "admin/test_capability_page.py",
        "admin/test_home.py",
        "admin/test_ledger_page.py",
        "admin/test_verify_evidence.py",
    ),
    *("api/test_stream_broker.py", "api/test_events.py"),
)
# Long tests start first, because one that starts last would leave the other workers idle.
LONG = ("stress", "fuzz")

# pytest-django has loaded the suite's settings; processes that a test starts use the site's own.
os.environ["DJANGO_SETTINGS_MODULE"] = "govsite.settings"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move long tests to the front, and exclude tests outside COUNTED from coverage."""
    for item in items:
        if not _is_in(item, COUNTED):
            item.add_marker(pytest.mark.no_cover)
    items.sort(key=lambda item: not _is_in(item, LONG))


def _is_in(item: pytest.Item, paths: tuple[str, ...]) -> bool:
    path = item.path.relative_to(Path(__file__).parent)
    return any(path.is_relative_to(one) for one in paths)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """A clone of the migrated template for this worker; replaces the fixture of pytest-django."""
    with django_db_blocker.unblock(), cloned(ensure_template()):
        yield


@pytest.fixture
def users(db: None) -> Users:
    """The users of all tests, in a transaction that is rolled back."""
    return create_users()


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[Users]:
    """The users in a database of the test's own, where commits are real and threads share data."""
    with django_db_blocker.unblock(), cloned(ensure_template()):
        yield create_users()


@pytest.fixture
def commit_now(db: None) -> Any:
    """A function that runs the deferred triggers now, as a commit would."""

    def check() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    return check
