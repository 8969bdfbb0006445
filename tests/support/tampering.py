"""Changes of the record that only the owner of the tables can make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from tests.support.roles import as_owner


@contextmanager
def triggers_off() -> Iterator[None]:
    """Disable all triggers and foreign keys of the record while the block runs."""
    tables = [
        "systemcontract",
        "governancejob",
        "jobstep",
        "stepresult",
        "healthsnapshot",
        "observation",
        "auditattempt",
        "auditevidence",
        "governanceaudit",
        "ledgerentry",
        "clarificationrequest",
        "clarificationanswer",
        "approvalsignature",
        "capability",
        "configurationentry",
        "registrychange",
    ]
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE governance_{table} DISABLE TRIGGER ALL")
        yield
        for table in tables:
            cursor.execute(f"ALTER TABLE governance_{table} ENABLE TRIGGER ALL")


def tamper(statement: str) -> None:
    """Run a statement without triggers; it must change at least one row."""
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount, "the attack changed no row"
