"""The check that nobody replaced the clock of the database."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Warning
from django.db import InterfaceError, OperationalError

from governance.db.clock import is_clock_replaced

CLOCK_REPLACED = (
    "The function governance_now() of the database has another body than the installed one, so the "
    "times of new entries are not those of PostgreSQL's clock."
)


def check_clock(**_: Any) -> list[CheckMessage]:
    """Warn, in `check --deploy`, if the database's clock was replaced."""
    try:
        is_replaced = is_clock_replaced()
    except (OperationalError, InterfaceError):
        return []  # the check of the role reports that the database does not answer
    if not is_replaced:
        return []
    return [
        Warning(
            CLOCK_REPLACED,
            hint="Find out who replaced it, and install governance/models/sql/functions/now.sql.",
            id="governance.W002",
        )
    ]
