"""PostgreSQL's clock, which decides what time it is.

`governance_now()` in `models/sql/functions/now.sql` is the clock. The owner of the database can
replace it by an adjustable one, as the demo does while it is loaded. `check --deploy` and
`verify_ledger` say so if it was not restored.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import DateTimeField, Func

from governance.db.rows import fetch_rows
from governance.models.sql import installable_statements, quote_identifier

# The name of the session's setting with the time that an adjustable clock shows; empty is now.
TIME_SETTING = "govsite.time"

_ADJUSTABLE = """
BEGIN
    RETURN coalesce(nullif(current_setting('govsite.time', true), '')::timestamptz,
                    clock_timestamp());
END """


class DatabaseNow(Func):
    """The present time as PostgreSQL has it, as the value of a column."""

    function = "governance_now"
    output_field = DateTimeField()


def database_now() -> datetime:
    """Read the present time, for what has no chain of its own: sweeps, tokens, signals, freezes."""
    now: datetime
    [(now,)] = fetch_rows("SELECT governance_now()")
    return now


def is_clock_replaced(*, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Tell whether `governance_now()` has another body than the installed SQL file."""
    body = _body_of_clock(using)
    return body is not None and f"$${body}$$" not in installable_statements("now")[0]


@contextmanager
def adjustable_clock() -> Iterator[None]:
    """Open a transaction of the owner in which `set_time` sets the clock; restore it at the end.

    No other session sees the replaced clock, because it is restored before the commit. A clock that
    is adjustable already is left as it is.
    """
    if _body_of_clock(DEFAULT_DB_ALIAS) == _ADJUSTABLE:
        with transaction.atomic():
            yield
            set_time(None)
        return
    with _owner_by_default(), transaction.atomic():
        install_adjustable_clock()
        yield
        _execute(installable_statements("now")[0])


def install_adjustable_clock() -> None:
    """Replace `governance_now()`, as the owner, by a clock that `set_time` sets."""
    _execute(
        "CREATE OR REPLACE FUNCTION governance_now() RETURNS timestamptz LANGUAGE plpgsql"
        f" SET search_path = {quote_identifier(settings.GOVSITE_SCHEMA)}, pg_temp"
        f" AS $${_ADJUSTABLE}$$"
    )


def set_time(moment: datetime | None) -> None:
    """Set the time that an adjustable clock shows in this session; None is the real time."""
    fetch_rows(
        "SELECT set_config(%s, %s, false)", [TIME_SETTING, moment.isoformat() if moment else ""]
    )


def _body_of_clock(using: str) -> str | None:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE oid = to_regprocedure('governance_now()')")
        found = cursor.fetchone()
    return found[0] if found else None


def _execute(statement: str) -> None:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def _owner_by_default() -> Iterator[None]:
    """Let this thread's default connection be the owner's, if that is another role."""
    if "owner" not in settings.DATABASES:
        yield
        return
    usual = connections[DEFAULT_DB_ALIAS]
    # A copy with the alias of the default, because rows of two aliases cannot refer to each other.
    owner = connections["owner"].copy(alias=DEFAULT_DB_ALIAS)
    connections[DEFAULT_DB_ALIAS] = owner
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = usual
        owner.close()
