"""What an owner of the tables can do to the record, and the application's role cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from tests.support.roles import as_owner


@contextmanager
def triggers_off() -> Iterator[None]:
    """Inside, no trigger runs and no foreign key is checked."""
    tables = [
        "systemcontract",
        "governancejob",
        "jobstep",
        "stepresult",
        "healthsnapshot",
        "auditevidence",
        "governanceaudit",
        "ledgerentry",
        "clarificationrequest",
        "clarificationanswer",
        "approvalsignature",
    ]
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE governance_{table} DISABLE TRIGGER ALL")
        yield
        for table in tables:
            cursor.execute(f"ALTER TABLE governance_{table} ENABLE TRIGGER ALL")


def tamper(statement: str) -> None:
    """Rewrite the record with the laws off; a statement that hits no row is a broken test."""
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount, "the attack did not hit anything"
