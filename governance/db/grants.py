"""What the role of the application may do in the database: one line a table, and the SQL of it.

The laws refuse whoever writes; these grants see to it that the application cannot switch a law off
or try in the first place. Migrations run as the owner of the tables, everything else as this role.
A table that is not named here is closed, and a test fails until it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings

from governance.models.sql import quote_identifier, read_sql, sql_files


@dataclass(frozen=True)
class TableRights:
    """What the application may do with a table besides reading it; `update` names columns."""

    insert: bool = False
    update: tuple[str, ...] = ()
    delete: bool = False


READ = TableRights()
APPEND = TableRights(insert=True)
JOIN_ROWS = TableRights(insert=True, delete=True)

GRANTS: dict[str, TableRights] = {
    # The record, written once.
    "governance_ledgerentry": APPEND,
    "governance_jobstep": APPEND,
    "governance_stepresult": APPEND,
    "governance_healthsnapshot": APPEND,
    "governance_auditevidence": APPEND,
    "governance_governanceaudit": APPEND,
    "governance_auditresolution": APPEND,
    "governance_changefreeze": APPEND,
    "governance_freezelift": APPEND,
    "governance_clarificationrequest": APPEND,
    "governance_clarificationanswer": APPEND,
    "governance_contractcomment": APPEND,
    "governance_approvalsignature": APPEND,
    # Contracts are removed by the owner of the tables alone: `record/retention/removal.py`.
    "governance_contracttombstone": READ,
    # What moves: only the columns that ever do. A row can be locked by who may update a column of
    # it, and the contract's row is the lock of its chain.
    "governance_systemcontract": TableRights(
        insert=True,
        update=(
            "status",
            "validator_verdict",
            "confidence_score",
            "eligibility_verdict",
            "eligibility_decision",
            "content_digest",
            "review_ends_at",
            "updated_at",
            "approved_by_id",
            "approved_at",
            "approved_digest",
            "approval_note",
            "window_opens_at",
            "window_closes_at",
            "audit_verdict",
            "closed_by_id",
            "closed_at",
            "closed_reason",
        ),
    ),
    "governance_governancejob": TableRights(
        insert=True,
        update=(
            "status",
            "current_step_index",
            "updated_at",
            "started_at",
            "started_by_id",
            "deadline_at",
            "lease_expires_at",
            "execution_token_sha256",
            "ended_at",
            "ended_by_id",
            "end_reason",
        ),
    ),
    "governance_governancesignal": TableRights(insert=True, update=("superseded_at",)),
    # The platform as it is: no operation changes an entry yet.
    "governance_capability": APPEND,
    "governance_configurationentry": APPEND,
    # Answers kept for a day, so that a call may be sent again; no part of the record.
    "governance_idempotencyrecord": TableRights(
        insert=True, update=("status", "sealed_answer"), delete=True
    ),
    # Accounts: never removed, and never given another's id.
    "governance_account": TableRights(
        insert=True,
        update=(
            "password",
            "last_login",
            "is_superuser",
            "username",
            "first_name",
            "last_name",
            "email",
            "is_staff",
            "is_active",
            "date_joined",
        ),
    ),
    "auth_group": TableRights(insert=True, update=("name",)),
    "governance_account_groups": JOIN_ROWS,
    "governance_account_user_permissions": JOIN_ROWS,
    "auth_group_permissions": JOIN_ROWS,
    "auth_permission": READ,
    # A token is used and ended; what it may do stays as it was issued.
    "governance_apitoken": TableRights(
        insert=True,
        update=("expiry", "last_used_at", "revoked_at", "revoked_by_id", "revoked_reason"),
    ),
    # What Django needs to serve pages.
    "django_session": TableRights(insert=True, update=("session_data", "expire_date"), delete=True),
    "django_admin_log": APPEND,
    "django_content_type": READ,
    "django_migrations": READ,
}


def rights_of(granted: TableRights) -> set[str]:
    """The table's rights as PostgreSQL names them, a column in brackets."""
    rights = {"SELECT"} | {f"UPDATE ({column})" for column in granted.update}
    if granted.insert:
        rights.add("INSERT")
    if granted.delete:
        rights.add("DELETE")
    return rights


def grant_statements(*, role: str, database: str) -> Iterator[str]:
    """SQL that leaves `role` with these rights and no others, however often it is run.

    It is for the owner of the tables and of the database to run. Identity columns need no right on
    their sequences, so none is given.
    """
    to, schema = quote_identifier(role), quote_identifier(settings.GOVSITE_SCHEMA)
    tables = ", ".join(f"{schema}.{table}" for table in GRANTS)
    yield database_statement(role=role, database=database)
    yield f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {to}"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {to}"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {to}"
    yield f"REVOKE ALL ON {tables} FROM PUBLIC"
    yield f"GRANT CONNECT ON DATABASE {quote_identifier(database)} TO {to}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {to}"
    for function in sql_functions():
        yield f"GRANT EXECUTE ON FUNCTION {schema}.{function} TO {to}"
    for table, granted in GRANTS.items():
        yield f"GRANT {', '.join(_grantable(granted))} ON {schema}.{table} TO {to}"


def database_statement(*, role: str, database: str) -> str:
    """SQL that keeps `role` from temporary tables, which would come before ours by name.

    It is the one right that PostgreSQL does not copy along with a database.
    """
    to, name = quote_identifier(role), quote_identifier(database)
    return f"REVOKE CREATE, TEMPORARY ON DATABASE {name} FROM PUBLIC, {to}"


def sql_functions() -> list[str]:
    """Every function that the laws call, by name: who writes a row runs them as himself."""
    text = "\n".join(read_sql(name) for name in sql_files())
    return sorted(set(re.findall(r"CREATE OR REPLACE FUNCTION (\w+)\(", text)))


def _grantable(granted: TableRights) -> Iterable[str]:
    yield "SELECT"
    if granted.insert:
        yield "INSERT"
    if granted.update:
        yield f"UPDATE ({', '.join(granted.update)})"
    if granted.delete:
        yield "DELETE"
