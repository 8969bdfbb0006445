"""All that a database holds, as one small value: equal before and after means nothing changed."""

from __future__ import annotations

from django.db import connection

from tests.support.roles import as_owner

# A session remembers what its browser was told; that is no part of the record.
_FORGOTTEN = ["django_session"]

Fingerprint = dict[str, tuple[int, str]]


def fingerprint() -> Fingerprint:
    """How many rows each table has, and a digest of all of them; tables of any app, by name."""
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
    """The tables in which something was added, altered or removed."""
    return sorted(
        table for table in before.keys() | after.keys() if before.get(table) != after.get(table)
    )
