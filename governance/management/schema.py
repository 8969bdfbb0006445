"""The PostgreSQL schema that has all tables and functions of the site: `GOVSITE_SCHEMA`."""

from __future__ import annotations

from django.conf import settings
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from governance.domain.errors import EarlierVersionError
from governance.models.sql import quote_identifier

FIRST_OF_VERSION_0_1 = ("governance", "0001_initial")


def create_schema(*, using: str) -> None:
    """Create the schema if it is missing; `using` is the connection of its owner."""
    schema = quote_identifier(settings.GOVSITE_SCHEMA)
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NULL", [schema])
        if cursor.fetchone()[0]:
            cursor.execute(f"CREATE SCHEMA {schema}")


def require_no_earlier_version(*, using: str) -> None:
    """Refuse a database that version 0.1 made, whose tables cannot be migrated.

    Raises:
        EarlierVersionError: The migrations of version 0.1 are recorded here.
    """
    if FIRST_OF_VERSION_0_1 in MigrationRecorder(connections[using]).applied_migrations():
        raise EarlierVersionError(
            "This database was made by version 0.1, before the first release, and cannot be "
            "migrated. Use a new database, or another GOVSITE_SCHEMA."
        )
