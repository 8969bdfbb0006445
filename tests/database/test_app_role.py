"""Attacks on the record over sessions whose only role is the application's; all are refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from django.db import connection

from governance.db.grants import GRANTS
from tests.support.attacks import run_sql, whole_record
from tests.support.databases import cloned, ensure_template
from tests.support.factories import draft, judged_job, running_job
from tests.support.forgery import (
    AUDIT,
    CONTRACT,
    EVIDENCE,
    JOB,
    LEDGER,
    RESOLUTION,
    RESULT,
    SNAPSHOT,
    STEP,
)
from tests.support.roles import app_role, app_session
from tests.support.users import create_users

INSUFFICIENT_PRIVILEGE = "42501"
WRITTEN_ONCE = (LEDGER, STEP, RESULT, SNAPSHOT, EVIDENCE, AUDIT, RESOLUTION)
NEVER_REMOVED = (*WRITTEN_ONCE, CONTRACT, JOB, "governance_governancesignal", "governance_account")
SIGNATURE = "governance_refuse(text, text, jsonb)"
NEW_REFUSE = f"FUNCTION {SIGNATURE.replace('text, text', 'guard text, message text')} RETURNS void"


# PostgreSQL refuses to write these before it looks at rights.
VIEWS = {"governance_platformvalue", "governance_registryvalue"}


@pytest.fixture(scope="module")
def record(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, str]]:
    """Yield the whole record of a filled database; the tests of this module must not change it."""
    with django_db_blocker.unblock(), cloned(ensure_template()):
        users = create_users()
        judged_job(users)
        running_job(users).complete_steps(1)
        draft(users)
        before = whole_record()
        yield before
        assert whole_record() == before


@pytest.fixture
def session(record: dict[str, str]) -> Iterator[psycopg.Connection[Any]]:
    with app_session() as session:
        yield session


def refused_for_want_of_right(session: psycopg.Connection[Any], statement: str) -> bool:
    """Return whether the statement fails for lack of a privilege; its effects are rolled back."""
    try:
        with session.transaction(force_rollback=True):
            session.execute(statement)
    except psycopg.Error as error:
        return error.sqlstate == INSUFFICIENT_PRIVILEGE
    return False


def columns_of(table: str) -> list[str]:
    """Return the columns that an UPDATE may name; an identity that is always generated is none."""
    rows = run_sql(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND attidentity <> 'a' ORDER BY attnum",
        table,
    )
    return [name for (name,) in rows]


def test_session__of_the_application__is_its_roles_alone(
    session: psycopg.Connection[Any],
) -> None:
    whom = session.execute("SELECT session_user, current_user, current_setting('is_superuser')")
    assert whom.fetchone() == (app_role(), app_role(), "off")


# --- written rows cannot be rewritten ------------------------------------------------------------
@pytest.mark.parametrize("table", WRITTEN_ONCE)
def test_what_is_written_once__changed_or_locked__refused(
    session: psycopg.Connection[Any], table: str
) -> None:
    for column in columns_of(table):
        assert refused_for_want_of_right(session, f"UPDATE {table} SET {column} = {column}"), column
    for statement in (
        f"UPDATE {table} SET id = id WHERE false",
        f"MERGE INTO {table} t USING {table} s ON t.id = s.id WHEN MATCHED THEN DELETE",
        f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT (id) DO UPDATE SET id = 0",
        f"WITH gone AS (DELETE FROM {table} RETURNING *) INSERT INTO {table} SELECT * FROM gone",
        f"SELECT 1 FROM {table} FOR UPDATE",
        f"SELECT 1 FROM {table} FOR KEY SHARE",
        f"DO $$ BEGIN UPDATE {table} SET id = id; END $$",
    ):
        assert refused_for_want_of_right(session, statement), statement


@pytest.mark.parametrize("table", NEVER_REMOVED)
def test_what_is_never_removed__deleted_or_truncated__refused(
    session: psycopg.Connection[Any], table: str
) -> None:
    for statement in (
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
        f"DROP TABLE {table} CASCADE",
        f"ALTER TABLE {table} RENAME TO elsewhere",
        f"ALTER TABLE {table} SET SCHEMA pg_temp",
        f"ALTER TABLE {table} OWNER TO {app_role()}",
        f"ALTER TABLE {table} ADD COLUMN x int",
        f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        f"ALTER TABLE {table} DISABLE TRIGGER USER",
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"CREATE TRIGGER x BEFORE INSERT ON {table} EXECUTE FUNCTION governance_append_only()",
        f"CREATE RULE nothing AS ON INSERT TO {table} DO INSTEAD NOTHING",
        f"CREATE POLICY mine ON {table} USING (true)",
        f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
        f"COPY {table} FROM '/dev/null'",
        f"COPY {table} FROM PROGRAM 'true'",
        f"COPY {table} TO '/tmp/taken'",
        f"COPY {table} TO PROGRAM 'cat'",
        f"REINDEX TABLE {table}",
        f"COMMENT ON TABLE {table} IS 'mine'",
    ):
        assert refused_for_want_of_right(session, statement), statement


@pytest.mark.parametrize("table", sorted(set(GRANTS) - VIEWS))
def test_every_right__tried_for_real__is_there_exactly_where_declared(
    session: psycopg.Connection[Any], table: str
) -> None:
    may = GRANTS[table]
    refused = {
        column
        for column in columns_of(table)
        if refused_for_want_of_right(session, f"UPDATE {table} SET {column} = {column}")
    }
    assert refused == set(columns_of(table)) - set(may.update)
    tried = {
        "insert": f"INSERT INTO {table} SELECT * FROM {table} WHERE false",
        "delete": f"DELETE FROM {table} WHERE false",
        "truncate": f"TRUNCATE {table}",
        "lock": f"SELECT 1 FROM {table} FOR UPDATE",
    }
    done = {verb for verb, sql in tried.items() if not refused_for_want_of_right(session, sql)}
    # PostgreSQL lets a role lock a row if the role may update any column of it.
    expected = {"insert": may.insert, "delete": may.delete, "lock": bool(may.update)}
    assert done == {verb for verb, is_granted in expected.items() if is_granted}


@pytest.mark.parametrize(
    "column",
    ["id", "reference", "title", "proposed_changes", "plan", "proposed_by_id",
     "affected_capabilities", "proposal_digest", "created_at", "expires_at"],
)  # fmt: skip
def test_contract__column_that_never_changes__refused_before_any_trigger(
    session: psycopg.Connection[Any], column: str
) -> None:
    assert refused_for_want_of_right(session, f"UPDATE {CONTRACT} SET {column} = {column}")


# --- no trigger can be switched off --------------------------------------------------------------
@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER ledger_chain ON governance_ledgerentry",
        "ALTER TABLE governance_ledgerentry DISABLE TRIGGER ledger_chain",
        "ALTER TABLE governance_ledgerentry ENABLE REPLICA TRIGGER ledger_chain",
        "ALTER TRIGGER ledger_chain ON governance_ledgerentry RENAME TO no_law",
        "ALTER TABLE governance_systemcontract DROP CONSTRAINT contract_four_eyes",
        "DROP INDEX ledger_seq_once",
        f"CREATE OR REPLACE {NEW_REFUSE} LANGUAGE sql AS 'SELECT'",
        f"CREATE OR REPLACE {NEW_REFUSE.replace('governance', 'pg_temp.governance')}"
        " LANGUAGE sql AS 'SELECT'",
        f"DROP FUNCTION {SIGNATURE} CASCADE",
        f"ALTER FUNCTION {SIGNATURE} SET search_path = pg_temp",
        f"ALTER FUNCTION {SIGNATURE} OWNER TO CURRENT_USER",
        "SET session_replication_role = replica",
        "SET LOCAL session_replication_role = replica",
        "SELECT set_config('session_replication_role', 'replica', false)",
        "UPDATE pg_settings SET setting = 'replica' WHERE name = 'session_replication_role'",
        "ALTER ROLE CURRENT_USER SET session_replication_role = replica",
        "SET allow_system_table_mods = on",
        "UPDATE pg_trigger SET tgenabled = 'D'",
        "DELETE FROM pg_trigger",
        "UPDATE pg_proc SET prosrc = ''",
        "UPDATE pg_class SET relhastriggers = false",
        "SELECT nextval('governance_ledgerentry_id_seq')",
        "SELECT setval('governance_ledgerentry_id_seq', 1)",
        "LOAD 'auto_explain'",
        "SET session_preload_libraries = 'auto_explain'",
    ],
)
def test_trigger__disabled__refused(session: psycopg.Connection[Any], statement: str) -> None:
    assert refused_for_want_of_right(session, statement), statement


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE {owner}",
        "SET SESSION AUTHORIZATION {owner}",
        "ALTER ROLE {role} SUPERUSER",
        "ALTER ROLE {role} BYPASSRLS",
        "ALTER ROLE {role} CREATEROLE",
        "CREATE ROLE stronger SUPERUSER",
        "GRANT {owner} TO {role}",
        "GRANT pg_execute_server_program TO {role}",
        "REASSIGN OWNED BY {owner} TO {role}",
        "DROP OWNED BY {owner} CASCADE",
        "ALTER DATABASE {database} OWNER TO {role}",
        "ALTER DATABASE {database} SET session_replication_role = replica",
        "ALTER ROLE {owner} SET search_path = pg_temp",
        "ALTER SCHEMA public OWNER TO {role}",
        "DROP SCHEMA public CASCADE",
        "DROP DATABASE {database}",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT lo_import('/etc/hostname')",
        "SELECT pg_reload_conf()",
        "SELECT pg_promote()",
        "ALTER SYSTEM SET session_replication_role = replica",
    ],
)
def test_role__made_stronger__refused(session: psycopg.Connection[Any], statement: str) -> None:
    [(owner, database)] = run_sql(
        "SELECT pg_get_userbyid(relowner), current_database() FROM pg_class WHERE relname = %s",
        LEDGER,
    )
    attack = statement.format(owner=owner, role=app_role(), database=f'"{database}"')
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(attack)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.governance_shadow (id int)",
        "CREATE TEMPORARY TABLE governance_systemcontract (id int)",
        "CREATE TABLE pg_temp.governance_ledgerentry (id int)",
        "CREATE VIEW governance_view AS SELECT 1",
        "CREATE TEMPORARY VIEW governance_ledgerentry AS SELECT 1",
        "CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'",
        "CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'",
        "CREATE FUNCTION pg_catalog.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = textne)",
        "CREATE CAST (text AS uuid) WITH INOUT AS IMPLICIT",
        "CREATE TYPE public.text AS (x int)",
        "CREATE SCHEMA {role}",
        "CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION governance_append_only()",
        "CREATE PUBLICATION mine FOR TABLE governance_ledgerentry",
        "CREATE FOREIGN DATA WRAPPER mine",
        "SELECT 1 AS id INTO governance_copy",
    ],
)
def test_anything__put_beside_ours__refused(
    session: psycopg.Connection[Any], statement: str
) -> None:
    assert refused_for_want_of_right(session, statement.format(role=app_role())), statement


@pytest.mark.parametrize(
    "statement",
    [
        "GRANT UPDATE ON governance_ledgerentry TO {role}",
        "GRANT ALL ON governance_ledgerentry TO PUBLIC",
        "GRANT CREATE ON SCHEMA public TO {role}",
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {role}",
        "RESET ROLE",
        "RESET SESSION AUTHORIZATION",
        "SET ROLE NONE",
        "DISCARD ALL",
        "RESET ALL",
        "SET CONSTRAINTS ALL DEFERRED",
        "SET search_path = pg_temp, public",
        "SET check_function_bodies = off",
        "SET row_security = off",
        "SET plpgsql.variable_conflict = use_column",
        "SET pgtrigger.ignore = 'governance_ledgerentry:ledger_append_only'",
        "DROP OWNED BY {role}",
    ],
)
def test_right__asked_for_by_a_statement_that_passes__is_not_there_afterwards(
    session: psycopg.Connection[Any], statement: str
) -> None:
    if statement.startswith("DROP OWNED"):
        with session.transaction(force_rollback=True):
            # PostgreSQL refuses it because of the sequences, on which the role has a right.
            with suppress(psycopg.errors.InsufficientPrivilege), session.transaction():
                session.execute(statement.format(role=app_role()))
            with pytest.raises(psycopg.errors.InsufficientPrivilege), session.transaction():
                session.execute("UPDATE governance_ledgerentry SET reason = ''")
        return
    try:
        session.execute(statement.format(role=app_role()))
    except psycopg.errors.InsufficientPrivilege:
        assert statement.startswith("GRANT")
    for attack in (
        "UPDATE public.governance_ledgerentry SET reason = ''",
        "DELETE FROM public.governance_stepresult",
        "CREATE TABLE public.mine (id int)",
        "ALTER TABLE public.governance_ledgerentry DISABLE TRIGGER ALL",
    ):
        assert refused_for_want_of_right(session, attack), attack


def test_session__of_another_role__is_not_ended_by_the_application(
    session: psycopg.Connection[Any],
) -> None:
    [(backend,)] = run_sql("SELECT pg_backend_pid()")
    assert refused_for_want_of_right(session, f"SELECT pg_terminate_backend({backend})")
    assert connection.is_usable()
