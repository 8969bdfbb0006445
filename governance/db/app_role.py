"""Checks of a database role: what PostgreSQL lets it do, and whether it may run the application.

The grants of `grants.py` do not limit a superuser, the owner of the tables, or a member of such a
role. So these checks ask PostgreSQL for the effective rights, whatever their source.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connections, transaction

from governance.db.grants import GRANTS, grant_statements, rights_of
from governance.domain.errors import (
    NotMigratedError,
    NotTheOwnerError,
    RoleMissingError,
    RoleTooStrongError,
    WrongStateError,
)
from governance.models.sql import quote_identifier

# Predefined roles of PostgreSQL whose rights exceed every grant: files, programs, other tables.
PRIVILEGED_ROLES = (
    "pg_create_subscription",
    "pg_execute_server_program",
    "pg_maintain",
    "pg_read_server_files",
    "pg_signal_backend",
    "pg_write_all_data",
    "pg_write_server_files",
)

_ATTRIBUTES = """
    SELECT held.rolname, held.rolname = %(role)s, held.rolsuper, held.rolcreaterole,
           held.rolreplication, held.rolbypassrls, held.rolname = ANY (%(further)s)
      FROM pg_roles held
     WHERE held.rolname = %(role)s OR pg_has_role(%(role)s, held.oid, 'MEMBER')
     ORDER BY held.rolname <> %(role)s, held.rolname
"""
_OWNED = """
    SELECT owner, what FROM (
        SELECT relowner, 'the table ' || relname FROM pg_class
         WHERE relnamespace = to_regnamespace(%(schema)s) AND relname = ANY (%(tables)s)
        UNION ALL
        SELECT proowner, 'the function ' || proname FROM pg_proc
         WHERE pronamespace = to_regnamespace(%(schema)s) AND proname LIKE 'governance\\_%%'
        UNION ALL
        SELECT nspowner, 'the schema ' || nspname FROM pg_namespace
         WHERE oid = to_regnamespace(%(schema)s)
        UNION ALL
        SELECT datdba, 'the database' FROM pg_database WHERE datname = current_database()
    ) AS owned (owner_id, what), LATERAL (SELECT pg_get_userbyid(owner_id)) AS of (owner)
     WHERE pg_has_role(%(role)s, owner_id, 'MEMBER')
     ORDER BY what LIKE 'the function%%', what DESC
"""
_RIGHTS = """
    SELECT relname, kind FROM pg_class,
           unnest(ARRAY['SELECT', 'INSERT', 'REFERENCES']) AS kind
     WHERE relnamespace = to_regnamespace(%(schema)s) AND relname = ANY (%(tables)s)
       AND has_any_column_privilege(%(role)s, pg_class.oid, kind)
    UNION ALL
    SELECT relname, kind FROM pg_class, unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER']) AS kind
     WHERE relnamespace = to_regnamespace(%(schema)s) AND relname = ANY (%(tables)s)
       AND has_table_privilege(%(role)s, pg_class.oid, kind)
    UNION ALL
    SELECT relname, 'UPDATE (' || attname || ')' FROM pg_class
      JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
     WHERE relnamespace = to_regnamespace(%(schema)s) AND relname = ANY (%(tables)s)
       AND has_column_privilege(%(role)s, pg_class.oid, attnum, 'UPDATE')
"""
_BEYOND_TABLES = """
    SELECT 'CREATE in schema ' || nspname FROM pg_namespace
     WHERE oid = to_regnamespace(%(schema)s) AND has_schema_privilege(%(role)s, oid, 'CREATE')
    UNION ALL
    SELECT kind || ' in the database' FROM unnest(ARRAY['CREATE', 'TEMPORARY']) AS kind
     WHERE has_database_privilege(%(role)s, current_database(), kind)
    UNION ALL
    SELECT 'SET session_replication_role'
     WHERE has_parameter_privilege(%(role)s, 'session_replication_role', 'SET')
    UNION ALL
    SELECT 'UPDATE of the sequence ' || relname
      FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid
     WHERE relnamespace = to_regnamespace(%(schema)s)
       AND has_sequence_privilege(%(role)s, seqrelid, 'UPDATE')
"""


def apply_grants(*, using: str, role: str) -> None:
    """Grant `role` exactly the rights of the application, in one transaction.

    Args:
        using: the alias of the connection of the tables' owner.

    Raises:
        RoleTooStrongError: the role still has other rights, which another role granted; then
            nothing has changed.
        NotMigratedError: a table is missing.
        NotFoundError, WrongPersonError: see `require_unprivileged_role` and `require_owner`.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        require_unprivileged_role(cursor, role=role)
        require_owner(cursor)
        for statement in grant_statements(role=role, database=_database(cursor)):
            cursor.execute(statement)
        if excess := excess_rights(cursor, role=role):
            raise _too_strong(role, [f"still has {right}" for right in excess])


def has_all_tables(*, using: str) -> bool:
    """Tell whether every table and column that the grants name exists."""
    wanted = {(table, column) for table, may in GRANTS.items() for column in ("", *may.update)}
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT table_name, '' FROM information_schema.tables WHERE table_schema = %(schema)s"
            " UNION ALL SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = %(schema)s",
            {"schema": settings.GOVSITE_SCHEMA},
        )
        return wanted <= set(cursor.fetchall())


def can_write_record(cursor: Any, *, role: str) -> bool:
    """Tell whether `role` may insert ledger entries; a role that may not can harm no record."""
    cursor.execute(
        "SELECT has_table_privilege(%s, to_regclass(%s), 'INSERT')",
        [role, f"{_schema()}.governance_ledgerentry"],
    )
    return bool(cursor.fetchone()[0])


def require_unprivileged_role(cursor: Any, *, role: str) -> None:
    """Refuse a role that grants cannot limit.

    Raises:
        RoleMissingError: there is no such role.
        RoleTooStrongError: for a superuser, an owner of a governance object, and
            a member of either.
    """
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    if cursor.fetchone() is None:
        raise RoleMissingError(
            f"There is no role {role}. Make it first, as a superuser or a role with CREATEROLE: "
            f"CREATE ROLE {quote_identifier(role)} LOGIN PASSWORD '…';"
        )
    if reasons := role_privileges(cursor, role=role):
        raise _too_strong(role, reasons)


def require_owner(cursor: Any) -> None:
    """Refuse a connection whose role does not own every table of the grants.

    Raises:
        NotMigratedError: a table is missing.
        NotTheOwnerError: another role owns a table.
    """
    cursor.execute(
        "SELECT relname, pg_get_userbyid(relowner), pg_has_role(relowner, 'USAGE'), current_user"
        " FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relname = ANY (%s)",
        [_schema(), list(GRANTS)],
    )
    tables = cursor.fetchall()
    if missing := sorted(set(GRANTS) - {name for name, *_ in tables}):
        raise NotMigratedError(
            f"The database is not migrated: there is no table {missing[0]}. Run `manage.py migrate`"
            " first."
        )
    for name, owner, is_ours, we in tables:
        if not is_ours:
            raise NotTheOwnerError(
                f"The table {name} belongs to the role {owner}, but this command runs as {we}. Set "
                f"GOVSITE_OWNER_DATABASE_URL to a connection of {owner}."
            )


def role_privileges(cursor: Any, *, role: str) -> list[str]:
    """List why grants cannot limit `role`, as phrases that follow its name; empty if they can."""
    asked = {
        "role": role,
        "further": list(PRIVILEGED_ROLES),
        "tables": list(GRANTS),
        "schema": _schema(),
    }
    cursor.execute(_ATTRIBUTES, asked)
    held = cursor.fetchall()
    if any(is_itself and is_super for _, is_itself, is_super, *_ in held):
        return ["is a superuser"]  # which includes all other reasons
    reasons = []
    for name, is_itself, *attributes, is_privileged in held:
        named = ("SUPERUSER", "CREATEROLE", "REPLICATION", "BYPASSRLS")
        strong = [word for word, has in zip(named, attributes, strict=True) if has]
        if strong:
            subject = "has" if is_itself else f"is a member of {name}, which has"
            reasons.append(f"{subject} {', '.join(strong)}")
        elif is_privileged:
            reasons.append(f"is a member of {name}")
    cursor.execute(_OWNED, asked)
    owned: dict[str, list[str]] = {}
    for owner, what in cursor.fetchall():
        owned.setdefault(owner, []).append(what)
    for owner, things in owned.items():
        subject = "owns" if owner == role else f"is a member of {owner}, which owns"
        more = f" and {len(things) - 1} more objects of govsite" if len(things) > 1 else ""
        reasons.append(f"{subject} {things[0]}{more}")
    return reasons


def excess_rights(cursor: Any, *, role: str) -> list[str]:
    """List, sorted, the effective rights of `role` that the application must not have."""
    asked = {"role": role, "tables": list(GRANTS), "schema": _schema()}
    cursor.execute(_RIGHTS, asked)
    excess = [
        f"{right} on {table}"
        for table, right in cursor.fetchall()
        if right not in rights_of(GRANTS[table])
    ]
    cursor.execute(_BEYOND_TABLES, asked)
    return sorted(excess + [right for (right,) in cursor.fetchall()])


def missing_rights(cursor: Any, *, role: str) -> list[str]:
    """List, sorted, the rights of the application on tables that `role` lacks."""
    cursor.execute(_RIGHTS, {"role": role, "tables": list(GRANTS), "schema": _schema()})
    held = set(cursor.fetchall())
    return sorted(
        f"{right} on {table}"
        for table, granted in GRANTS.items()
        for right in rights_of(granted)
        if (table, right) not in held
    )


def _schema() -> str:
    return quote_identifier(settings.GOVSITE_SCHEMA)


def _database(cursor: Any) -> str:
    cursor.execute("SELECT current_database()")
    return str(cursor.fetchone()[0])


def _too_strong(role: str, reasons: list[str]) -> WrongStateError:
    shown_reasons = "; ".join(reasons[:5])
    more = f"; and {len(reasons) - 5} more" if len(reasons) > 5 else ""
    return RoleTooStrongError(
        f"The role {role} has too many rights to run the application: it {shown_reasons}{more}.",
        details={"reasons": reasons},
    )
