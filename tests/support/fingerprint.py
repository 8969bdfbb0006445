"""Digests of all tables of a database, to compare its content before and after a call."""

from __future__ import annotations

from django.db import connection

from tests.support.roles import as_owner

# Sessions store messages for the browser, which are not part of the record.
_FORGOTTEN = ["django_session"]

Fingerprint = dict[str, tuple[int, str]]


def fingerprint() -> Fingerprint:
    """Return, for each table of any app, the number of its rows and a digest of their content."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('SELECT %%L, count(*), md5(string_agg(md5(row::text), '''' "
            "ORDER BY md5(row::text))) FROM %%I row', tablename, tablename) "
            "FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)",
            [_FORGOTTEN],
        )
        cursor.execute(" UNION ALL ".join(query for (query,) in cursor.fetchall()))
        return {table: (rows, digest or "") for table, rows, digest in cursor.fetchall()}


def changed(before: Fingerprint, after: Fingerprint) -> list[str]:
    """Return the tables in which a row was added, changed or removed."""
    return sorted(
        table for table in before.keys() | after.keys() if before.get(table) != after.get(table)
    )
