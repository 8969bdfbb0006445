"""The two database roles: the owner of the tables, and the role that the application runs as."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Info, Warning
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connection, connections

from governance.db.app_role import can_write_record, excess_rights, role_privileges

OWNER_ALIAS = "owner"


def owner_alias() -> str:
    """Return the alias of the connection that owns the tables; with one role, the default one."""
    return OWNER_ALIAS if OWNER_ALIAS in settings.DATABASES else DEFAULT_DB_ALIAS


def application_role() -> str:
    """Return the name of the role that the application runs as, as PostgreSQL reports it."""
    return _role_of(DEFAULT_DB_ALIAS)


def has_two_roles() -> bool:
    """Tell whether the application runs as another role than the owner."""
    return owner_alias() == OWNER_ALIAS and _role_of(OWNER_ALIAS) != application_role()


def _role_of(alias: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def check_application_role(**_: Any) -> list[CheckMessage]:
    """Warn, in `check --deploy`, if the role of the application could rewrite the record."""
    try:
        role = application_role()
        with connection.cursor() as cursor:
            reasons = role_privileges(cursor, role=role)
            if not reasons and can_write_record(cursor, role=role):
                reasons = [f"has {right}" for right in excess_rights(cursor, role=role)]
    except (OperationalError, InterfaceError) as error:
        return [
            Info(
                f"The rights of the application's role could not be read: {error}",
                id="governance.I001",
            )
        ]
    if not reasons:
        return []
    return [
        Warning(
            f"The application runs as the role {role}, which may do more than add to the record: "
            f"it {'; '.join(reasons[:5])}.",
            hint="Run the application as a role with fewer rights: see "
            "`manage.py grant_app_role --help`.",
            id="governance.W001",
        )
    ]
