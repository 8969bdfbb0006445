"""The rights of the application's role in the database, one line per table, and their SQL.

The database guards check what is written. These grants keep the application from disabling a guard
and from most writes that a guard would refuse. Migrations run as the owner of the tables, all else
as this role. The role has no right on a table that is not listed here, and a test finds the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings

from governance.models.sql import quote_identifier, read_sql, sql_files


@dataclass(frozen=True)
class TableRights:
    """The rights of the application on a table besides SELECT; `update` lists columns."""

    insert: bool = False
    update: tuple[str, ...] = ()
    delete: bool = False


READ = TableRights()
APPEND = TableRights(insert=True)
JOIN_ROWS = TableRights(insert=True, delete=True)

GRANTS: dict[str, TableRights] = {
    # The append-only record.
    "governance_ledgerentry": APPEND,
    "governance_jobstep": APPEND,
    "governance_stepresult": APPEND,
    "governance_healthsnapshot": APPEND,
    "governance_observation": APPEND,
    "governance_auditevidence": APPEND,
    "governance_auditattempt": APPEND,
    "governance_governanceaudit": APPEND,
    "governance_auditresolution": APPEND,
    "governance_changefreeze": APPEND,
    "governance_freezelift": APPEND,
    "governance_clarificationrequest": APPEND,
    "governance_clarificationanswer": APPEND,
    "governance_contractcomment": APPEND,
    "governance_approvalsignature": APPEND,
    "governance_rollbackauthorisation": APPEND,
    "governance_takenreference": APPEND,
    "governance_breakerevent": APPEND,
    # Only the owner of the tables removes contracts: `record/retention/removal.py`.
    "governance_contracttombstone": READ,
    # Rows that change: only the columns that operations update. Locking a row needs UPDATE on a
    # column of it, and the contract's row is the lock of its chain.
    "governance_systemcontract": TableRights(
        insert=True,
        update=(
            "status",
            "validator_verdict",
            "confidence_score",
            "risk_level",
            "risk_asked",
            "eligibility_verdict",
            "eligibility_decision",
            "content_digest",
            "review_ends_at",
            "updated_at",
            "approved_by_id",
            "approved_at",
            "approved_digest",
            "approval_note",
            "approval_kind",
            "authorisation_sha256",
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
    "governance_healthfailure": APPEND,
    "governance_handlerbreaker": TableRights(
        insert=True,
        update=(
            "state",
            "faults_in_a_row",
            "jobs_in_flight",
            "last_fault",
            "last_fault_at",
            "last_fault_job",
        ),
    ),
    # The registry of the platform: a value changes with a row of its history.
    "governance_registryimport": APPEND,
    "governance_registrychange": APPEND,
    "governance_registryvalue": READ,
    "governance_platformvalue": READ,
    "governance_capability": TableRights(
        insert=True, update=("lifecycle", "origin_id", "title", "owner")
    ),
    "governance_configurationentry": TableRights(insert=True, update=("value", "origin_id")),
    # What observers saw last of a platform outside of this database; not part of the record.
    "governance_observedstate": TableRights(
        insert=True, update=("observer", "state", "trouble", "observed_at")
    ),
    # Responses stored for repeated requests; not part of the record.
    "governance_idempotencyrecord": TableRights(
        insert=True, update=("status", "sealed_answer"), delete=True
    ),
    # Notices to people; not part of the record.
    "governance_notice": TableRights(insert=True, update=("read_at",)),
    # Accounts are never removed, and their ids never change.
    "governance_account": TableRights(
        insert=True,
        update=(
            "password",
            "last_login",
            "is_superuser",
            "username",
            "username_key",
            "machine",
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
    # A token is used, expired or revoked; its rights stay as issued.
    "governance_apitoken": TableRights(
        insert=True,
        update=("expiry", "last_used_at", "revoked_at", "revoked_by_id", "revoked_reason"),
    ),
    # The queue of the workers: a hint, and not part of the record.
    "procrastinate_jobs": TableRights(
        insert=True,
        update=(
            "queue_name",
            "priority",
            "lock",
            "status",
            "scheduled_at",
            "attempts",
            "abort_requested",
            "worker_id",
        ),
        delete=True,
    ),
    "procrastinate_events": APPEND,
    "procrastinate_periodic_defers": TableRights(insert=True, update=("job_id",), delete=True),
    "procrastinate_workers": TableRights(insert=True, update=("last_heartbeat",), delete=True),
    # Tables that Django needs to serve pages.
    "django_session": TableRights(insert=True, update=("session_data", "expire_date"), delete=True),
    "django_admin_log": APPEND,
    "django_content_type": READ,
    "django_migrations": READ,
}


# The sequences that the queue's tables take their ids from; our own tables have identity columns.
SEQUENCES = (
    "procrastinate_events_id_seq",
    "procrastinate_jobs_id_seq",
    "procrastinate_periodic_defers_id_seq",
)


def rights_of(granted: TableRights) -> set[str]:
    """Return the rights as PostgreSQL names them, the column of an UPDATE in parentheses."""
    rights = {"SELECT"} | {f"UPDATE ({column})" for column in granted.update}
    if granted.insert:
        rights.add("INSERT")
    if granted.delete:
        rights.add("DELETE")
    return rights


def grant_statements(*, role: str, database: str) -> Iterator[str]:
    """Yield the SQL that gives `role` exactly the rights of `GRANTS`; it may run repeatedly.

    The owner of the tables and of the database runs the SQL. Identity columns need no right on
    their sequences.
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
    for sequence in SEQUENCES:
        yield f"GRANT USAGE ON SEQUENCE {schema}.{sequence} TO {to}"


def database_statement(*, role: str, database: str) -> str:
    """Return the SQL that keeps `role` from temporary tables, which could shadow ours by name.

    A copy that CREATE DATABASE … TEMPLATE makes has all other rights, but not those on the
    database itself.
    """
    to, name = quote_identifier(role), quote_identifier(database)
    return f"REVOKE CREATE, TEMPORARY ON DATABASE {name} FROM PUBLIC, {to}"


def sql_functions() -> list[str]:
    """List the SQL functions by name: a trigger's function runs with the rights of the writer."""
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
