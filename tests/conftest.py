"""Fixtures that every test may ask for; see tests/support for the stories behind them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.support.cast import Cast, hire_cast
from tests.support.databases import cloned, ensure_template

# The suite has its settings by now; a site that a test starts as a process takes its own.
os.environ["DJANGO_SETTINGS_MODULE"] = "govsite.settings"


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Instead of pytest-django's own: this worker's clone of the migrated template."""
    with django_db_blocker.unblock(), cloned(ensure_template()):
        yield


@pytest.fixture
def cast(db: None) -> Cast:
    """The cast, in the test's transaction."""
    return hire_cast()


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[Cast]:
    """The cast in a database of the test's own, where commits are real and threads can meet."""
    with django_db_blocker.unblock(), cloned(ensure_template()):
        yield hire_cast()


@pytest.fixture
def commit_now(db: None) -> Any:
    """Check the deferred laws now, as a commit would."""

    def check() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    return check
