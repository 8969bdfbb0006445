"""The schema in which everything of this site is: `GOVSITE_SCHEMA`."""

from __future__ import annotations

from django.conf import settings
from django.db import connections

from governance.domain.errors import WrongStateError
from governance.models.sql import quote_identifier

_MIGRATIONS = """
    SELECT FROM pg_tables WHERE schemaname = %s AND tablename = 'django_migrations'
"""
_FIRST_OF_VERSION_0_1 = """
    SELECT FROM django_migrations WHERE app = 'governance' AND name = '0001_initial'
"""


def create_schema(*, using: str) -> None:
    """Create the schema unless it is there; `using` is the connection of its owner."""
    schema = quote_identifier(settings.GOVSITE_SCHEMA)
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NULL", [schema])
        if cursor.fetchone()[0]:
            cursor.execute(f"CREATE SCHEMA {schema}")


def require_no_earlier_version(*, using: str) -> None:
    """Raise WrongStateError (`earlier_version`) where an unmigrated version left its tables."""
    with connections[using].cursor() as cursor:
        cursor.execute(_MIGRATIONS, [settings.GOVSITE_SCHEMA])
        if cursor.fetchall():
            cursor.execute(_FIRST_OF_VERSION_0_1)
            if cursor.fetchall():
                raise WrongStateError(
                    "This database was made by version 0.1, before the first release. It is not "
                    "migrated: start with a fresh database, or another GOVSITE_SCHEMA.",
                    code="earlier_version",
                )
