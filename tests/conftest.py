"""Fixtures for all tests; `tests/support/` has their parts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.mutations.drop import drop_function, dropped_guard
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
        "admin/test_unfinished_job.py",
        "admin/test_verify_evidence.py",
        "admin/test_workers.py",
    ),
    *("api/test_stream_broker.py", "api/test_events.py"),
)
# What is neither long nor `fast`, because it starts processes or makes databases. The fixture
# `committed` shows this of the other tests.
OWN_PROCESSES = (
    "benchmarks",
    "browser",
    "client/test_documentation.py",
    "commands/test_embedded_server.py",
    "commands/test_run_dev.py",
    "database/test_app_role.py",
    "database/test_plans.py",
    "database/test_two_schemas.py",
    "flows/test_prometheus.py",
    "stress",
)

# pytest-django has loaded the suite's settings; processes that a test starts use the site's own.
os.environ["DJANGO_SETTINGS_MODULE"] = "govsite.settings"
# The developer's own routes, secrets and health rules are none of theirs.
for _name in (
    "GOVSITE_EXECUTION_FILE",
    "GOVSITE_HEALTH_PROVIDER",
    "GOVSITE_PROMETHEUS_FILE",
    "GOVSITE_SECRETS_DIR",
):
    os.environ.pop(_name, None)
# As in `tests/settings.py`: a test whose site judges by itself says so.
os.environ.setdefault("GOVSITE_AUDITOR", "outside")


def pytest_configure() -> None:
    """Drop the Python guard that the environment names, if it names one."""
    if guard := dropped_guard():
        drop_function(guard)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its tier, and exclude tests outside COUNTED from coverage."""
    for item in items:
        if not _is_in(item, COUNTED):
            item.add_marker(pytest.mark.no_cover)
        is_long = item.get_closest_marker("long")
        if not (is_long or _is_in(item, OWN_PROCESSES) or "committed" in item.fixturenames):
            item.add_marker(pytest.mark.fast)


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
