"""Two organisations in one database, each in its own schema and without access to the other.

The real `migrate` installs both; the processes know their schema from the environment only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from govsite.embedded import OWNER
from tests.support.commands import ROOT
from tests.support.databases import server

SCHEMAS = ("alpha", "beta")
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"
DIGEST = "SELECT count(*), md5(string_agg(md5(row::text), '' ORDER BY md5(row::text)))"
FREEZE = """
    INSERT INTO {0}.governance_changefreeze (id, reason, started_by_id, started_at, ends_at)
    SELECT gen_random_uuid(), 'Stop.', min(account_id), now(), now() + interval '1 hour'
      FROM {0}.governance_account_groups
      JOIN {0}.auth_group ON auth_group.id = group_id AND name = 'Founder'
"""


@dataclass(frozen=True)
class Organisation:
    """A schema, its role, and the environment that points a process at both."""

    schema: str
    role: str
    folder: str
    database: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DJANGO_SETTINGS_MODULE": "govsite.settings",
            "GOVSITE_SCHEMA": self.schema,
            "DATABASE_URL": f"postgresql://{self.role}@/{self.database}?host={self.folder}",
            "GOVSITE_OWNER_DATABASE_URL": f"postgresql://{OWNER}@/{self.database}?host={self.folder}",
            "GOVSITE_DB_LOCK_TIMEOUT_MS": "2000",
        }

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=os.environ | self.environment | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def done(self, *arguments: str) -> str:
        """Run a process that must succeed, and return its output."""
        outcome = self.run(*arguments)
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout

    def main_path(self) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(self.done("-m", "tests.support.main_path"))
        return made

    def session(self, role: str = "", **options: Any) -> psycopg.Connection[Any]:
        """Open an autocommit session as the organisation's role, or as another role."""
        return psycopg.connect(
            host=self.folder,
            dbname=self.database,
            user=role or self.role,
            autocommit=True,
            options=f"-c search_path={self.schema}",
            **options,
        )


@pytest.fixture(scope="module")
def organisations(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[Organisation]]:
    """Yield both organisations, installed in an empty database."""
    if os.environ.get("DATABASE_URL"):
        pytest.skip("needs the embedded server's address")
    with django_db_blocker.unblock(), server() as cursor:
        folder = connection.get_connection_params()["host"]
        database = f"test_govsite_{os.getpid()}_{uuid4().hex[:8]}"
        cursor.execute(f'CREATE DATABASE "{database}"')
        both = [
            Organisation(schema, f"{database}_{schema}", folder, database) for schema in SCHEMAS
        ]
        try:
            for one in both:
                cursor.execute(f'CREATE ROLE "{one.role}" LOGIN NOINHERIT')
                one.done("manage.py", "migrate", "--verbosity", "0")
            yield both
        finally:
            cursor.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
            for one in both:
                cursor.execute(f'DROP ROLE IF EXISTS "{one.role}"')


@pytest.fixture(scope="module")
def owner(organisations: list[Organisation]) -> Iterator[psycopg.Connection[Any]]:
    """Yield a session of the tables' owner; its search path contains neither schema."""
    with organisations[0].session(OWNER) as session:
        session.execute("SET search_path = pg_catalog")
        yield session


@pytest.fixture(scope="module")
def made(organisations: list[Organisation]) -> list[dict[str, Any]]:
    """Return what one run of the main path created in each organisation."""
    return [one.main_path() for one in organisations]


def snapshot(owner: psycopg.Connection[Any], schema: str) -> dict[str, Any]:
    """Return the row count and a digest of all rows for each table of a schema."""
    tables = [name for (name,) in owner.execute(TABLES, [schema])]
    return {name: owner.execute(f"{DIGEST} FROM {schema}.{name} row").fetchone() for name in tables}


def test_schemas__installed__hold_all_tables_and_nothing_is_anywhere_else(
    organisations: list[Organisation], owner: psycopg.Connection[Any]
) -> None:
    alpha, beta = (owner.execute(TABLES, [schema]).fetchall() for schema in SCHEMAS)
    assert len(alpha) > 25
    assert alpha == beta
    assert owner.execute(TABLES, ["public"]).fetchall() == []
    elsewhere = owner.execute(
        "SELECT proname FROM pg_proc WHERE proname LIKE 'governance%%'"
        " AND pronamespace::regnamespace::text <> ALL (%s)",
        [list(SCHEMAS)],
    )
    assert elsewhere.fetchall() == []


def test_schemas__installed__refer_to_nothing_of_each_other(
    organisations: list[Organisation], owner: psycopg.Connection[Any]
) -> None:
    keys = owner.execute(
        "SELECT conname FROM pg_constraint"
        "  JOIN pg_class here ON here.oid = conrelid JOIN pg_class there ON there.oid = confrelid"
        " WHERE here.relnamespace <> there.relnamespace"
    )
    assert keys.fetchall() == []
    triggers = owner.execute(
        "SELECT tgname FROM pg_trigger"
        "  JOIN pg_class here ON here.oid = tgrelid JOIN pg_proc there ON there.oid = tgfoid"
        " WHERE NOT tgisinternal AND here.relnamespace <> there.pronamespace"
    )
    assert triggers.fetchall() == []
    functions = owner.execute(
        "SELECT pronamespace::regnamespace::text, proconfig, pg_get_functiondef(oid) FROM pg_proc"
        " WHERE proname LIKE 'governance%' AND prosqlbody IS NULL"
    ).fetchall()
    assert len(functions) > 80
    for schema, config, definition in functions:
        [other] = set(SCHEMAS) - {schema}
        assert config == [f"search_path={schema}, pg_temp"]
        assert f"{other}." not in definition
        assert f'"{other}"' not in definition


def test_main_path__in_both__each_has_its_own_contract_and_no_other(
    made: list[dict[str, Any]], organisations: list[Organisation]
) -> None:
    assert [one["status"] for one in made] == ["COMPLETED", "COMPLETED"]
    assert [one["contracts"] for one in made] == [1, 1]
    assert len({one["contract"] for one in made}) == 2
    for here, one in zip(organisations, made, strict=True):
        with here.session() as session:
            rows = session.execute("SELECT id::text FROM governance_systemcontract").fetchall()
            entries = session.execute("SELECT contract_id::text FROM governance_ledgerentry")
            assert rows == [(one["contract"],)]
            assert set(entries.fetchall()) == {(one["contract"],)}
        verified = json.loads(here.done("manage.py", "verify_ledger", "--json"))
        assert verified["contracts"] == 1
        assert verified["entries"] == one["entries"]


def test_main_path__in_one__changes_not_a_byte_in_the_other(
    made: list[dict[str, Any]],
    organisations: list[Organisation],
    owner: psycopg.Connection[Any],
) -> None:
    alpha, _ = organisations
    before = {schema: snapshot(owner, schema) for schema in SCHEMAS}
    alpha.main_path()
    assert snapshot(owner, "alpha") != before["alpha"]
    assert snapshot(owner, "beta") == before["beta"]


def test_freeze__in_one__neither_stops_the_other_nor_makes_it_wait(
    made: list[dict[str, Any]],
    organisations: list[Organisation],
    owner: psycopg.Connection[Any],
) -> None:
    alpha, beta = organisations
    with alpha.session(OWNER) as session, session.transaction(force_rollback=True):
        session.execute(FREEZE.format("alpha"))  # the open transaction holds alpha's lock
        stopped = alpha.run("-m", "tests.support.main_path")
        assert "lock timeout" in stopped.stderr
        assert beta.main_path()["status"] == "COMPLETED"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM {other}.governance_systemcontract",
        "SELECT FROM {other}.governance_account",
        "SELECT FROM {other}.django_migrations",
        "INSERT INTO {other}.governance_capability (name) VALUES ('Theirs')",
        "UPDATE {other}.governance_systemcontract SET status = 'REJECTED'",
        "DELETE FROM {other}.django_session",
        "TRUNCATE {other}.governance_ledgerentry",
        "SELECT {other}.governance_refuse('a', 'b')",
        "SELECT {other}.governance_append_entries(NULL, '', now(), '[]')",
        "CREATE TABLE {other}.mine (id int)",
        "CREATE TABLE {own}.mine (id int)",
        "CREATE TABLE public.mine (id int)",
    ],
)
def test_role__of_one__may_nothing_in_the_other(
    made: list[dict[str, Any]], organisations: list[Organisation], statement: str
) -> None:
    for here, there in (organisations, reversed(organisations)):
        with (
            here.session() as session,
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for"),
        ):
            session.execute(statement.format(other=there.schema, own=here.schema))


def test_role__of_one__that_reads_the_other__finds_nothing(
    made: list[dict[str, Any]], organisations: list[Organisation]
) -> None:
    alpha, _ = organisations
    with alpha.session() as session:
        session.execute("SET search_path = beta")
        with pytest.raises(psycopg.errors.UndefinedTable):
            session.execute("SELECT FROM governance_systemcontract")
    theirs = Organisation("beta", alpha.role, alpha.folder, alpha.database)
    refused = theirs.run("manage.py", "verify_ledger")
    assert refused.returncode == 3
    assert "not migrated" in refused.stderr


@pytest.mark.parametrize("pool_size", ["0", "2"])
def test_process__led_to_another_schema_by_its_connection__refuses_to_work(
    made: list[dict[str, Any]],
    organisations: list[Organisation],
    owner: psycopg.Connection[Any],
    pool_size: str,
) -> None:
    """Without start-up options, which a pooler may drop, the role's search path applies."""
    alpha, _ = organisations
    left_to_the_role = {"GOVSITE_DB_SEARCH_PATH": "0", "GOVSITE_DB_POOL_SIZE": pool_size}
    try:
        owner.execute(f'ALTER ROLE "{alpha.role}" SET search_path = public')
        refused = alpha.run("manage.py", "verify_ledger", **left_to_the_role)
        assert refused.returncode == 3
        assert "in the schema public, not in alpha (GOVSITE_SCHEMA)" in refused.stderr
        owner.execute(f'ALTER ROLE "{alpha.role}" SET search_path = alpha')
        assert alpha.run("manage.py", "verify_ledger", **left_to_the_role).returncode == 0
    finally:
        owner.execute(f'ALTER ROLE "{alpha.role}" RESET search_path')


def test_migrate__again__changes_nothing(
    organisations: list[Organisation], owner: psycopg.Connection[Any]
) -> None:
    alpha, _ = organisations
    before = {schema: snapshot(owner, schema) for schema in SCHEMAS}
    assert "No migrations to apply" in alpha.done("manage.py", "migrate")
    assert {schema: snapshot(owner, schema) for schema in SCHEMAS} == before
    assert alpha.done("manage.py", "migrate", "--check") == ""
