"""`grant_app_role`, and how `migrate` and `check --deploy` treat the two database roles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections

from governance.db.app_role import excess_rights
from governance.management.roles import application_role, check_application_role, has_two_roles
from tests.support.attacks import run_sql
from tests.support.commands import run, shell, this_database
from tests.support.databases import server
from tests.support.roles import app_role, app_session, as_owner, require_app_role
from tests.support.users import Users

ROLE = "govsite_test_role"


@pytest.fixture
def role() -> Iterator[str]:
    """Create a role without privileges, and drop it afterwards, as roles are server-wide."""
    with server() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            pytest.skip("needs a PostgreSQL on which we may make and change roles")
    name = f"{ROLE}_{connection.settings_dict['NAME'].rpartition('_')[2]}"
    owner_says(f"CREATE ROLE {name} LOGIN")
    yield name
    owner_says(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@pytest.fixture
def has_app_role(committed: Users) -> None:
    require_app_role()


with_app_role = pytest.mark.usefixtures("has_app_role")


def owner_says(*statements: str) -> None:
    with connections["owner"].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def rights() -> set[tuple[Any, ...]]:
    """Return all privileges on the relations and columns of the schema."""
    return set(
        run_sql(
            "SELECT relname, relacl::text FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace"
            " UNION ALL SELECT attrelid::regclass || '.' || attname, attacl::text"
            " FROM pg_attribute WHERE attacl IS NOT NULL"
        )
    )


def refusal(*arguments: str) -> str:
    """Run `grant_app_role`, check that it failed without a change, and return the error code."""
    before = rights()
    ran = run("grant_app_role", *arguments)
    assert (ran.code, ran.out) == (1, ""), ran
    assert rights() == before
    return ran.err.rpartition("(")[2].rstrip(")\n")


@contextmanager
def attribute(role: str, word: str) -> Iterator[None]:
    owner_says(f"ALTER ROLE {role} {word}")
    yield
    owner_says(f"ALTER ROLE {role} NO{word}")


def test_grant__applied__gives_the_rights_and_again_changes_nothing(
    committed: Users, role: str
) -> None:
    assert run("grant_app_role", role, "--apply").code == 0
    once = rights()
    assert run("grant_app_role", role, "--apply").code == 0
    assert rights() == once
    with app_session(user=role) as session:
        session.execute("SELECT 1 FROM governance_systemcontract FOR UPDATE")


def test_grant__printed__is_the_same_when_the_owner_runs_it(committed: Users, role: str) -> None:
    unopened = rights()
    ran = run("grant_app_role", role)
    assert ran.code == 0
    assert rights() == unopened
    assert ran.out.startswith("BEGIN;\nREVOKE ")
    assert ran.out.endswith("COMMIT;\n")
    owner_says(ran.out)
    printed = rights()
    assert printed != unopened
    assert run("grant_app_role", role, "--apply").code == 0
    assert rights() == printed


def test_grant__over_rights_that_were_too_wide__revokes_them(committed: Users, role: str) -> None:
    owner_says(
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}",
        "GRANT UPDATE (reason) ON governance_ledgerentry TO PUBLIC",
        f"GRANT CREATE ON SCHEMA public TO {role}",
        f'GRANT TEMPORARY ON DATABASE "{connection.settings_dict["NAME"]}" TO PUBLIC',
    )
    with connection.cursor() as cursor:
        assert len(excess_rights(cursor, role=role)) > 50
        assert run("grant_app_role", role, "--apply").code == 0
        assert excess_rights(cursor, role=role) == []


@pytest.mark.parametrize("apply", [(), ("--apply",)])
def test_grant__to_an_unknown_role__role_missing(committed: Users, apply: tuple[str, ...]) -> None:
    assert refusal("no_such_role", *apply) == "role_missing"
    assert 'CREATE ROLE "no_such_role" LOGIN' in run("grant_app_role", "no_such_role").err


@pytest.mark.parametrize("word", ["SUPERUSER", "CREATEROLE", "REPLICATION", "BYPASSRLS"])
@pytest.mark.parametrize("apply", [(), ("--apply",)])
def test_grant__to_a_role_with_an_attribute__too_strong(
    committed: Users, role: str, word: str, apply: tuple[str, ...]
) -> None:
    with attribute(role, word):
        assert refusal(role, *apply) == "role_too_strong"


@pytest.mark.parametrize(
    "made_strong",
    [
        "GRANT {owner} TO {role}",
        "ALTER TABLE governance_ledgerentry OWNER TO {role}",
        "ALTER FUNCTION governance_refuse(text, text, jsonb) OWNER TO {role}",
        "ALTER SCHEMA public OWNER TO {role}",
        "ALTER DATABASE {database} OWNER TO {role}",
        "GRANT pg_write_all_data TO {role}",
        "GRANT pg_execute_server_program TO {role}",
    ],
)
def test_grant__to_a_role_that_can_become_or_is_an_owner__too_strong(
    committed: Users, role: str, made_strong: str
) -> None:
    [(owner,)] = run_sql("SELECT pg_get_userbyid(datdba) FROM pg_database"
                         " WHERE datname = current_database()")  # fmt: skip
    database = f'"{connection.settings_dict["NAME"]}"'
    owner_says(made_strong.format(owner=owner, role=role, database=database))
    assert refusal(role, "--apply") == "role_too_strong"
    owner_says(f"REASSIGN OWNED BY {role} TO {owner}")


def test_grant__to_a_role_with_further_rights__too_strong(committed: Users, role: str) -> None:
    owner_says(
        f"CREATE ROLE {role}_group",
        f"GRANT {role}_group TO {role}",
        f"GRANT DELETE ON governance_ledgerentry TO {role}_group",
    )
    assert refusal(role, "--apply") == "role_too_strong"
    owner_says(f"DROP OWNED BY {role}_group", f"DROP ROLE {role}_group")


def test_grant__by_a_role_that_is_not_the_owner__refused(committed: Users) -> None:
    environment = {"DATABASE_URL": this_database()}
    outcome = shell("grant_app_role", app_role(), "--apply", environment=environment)
    assert outcome.returncode == 1
    assert outcome.stderr.endswith(b"(not_the_owner)\n")
    assert b"Traceback" not in outcome.stderr


def test_migrate__by_a_role_that_is_not_the_owner__says_which_right_is_missing(
    committed: Users,
) -> None:
    with as_owner():
        last = "SELECT max(id) FROM django_migrations WHERE app = 'governance'"
        run_sql(f"DELETE FROM django_migrations WHERE id = ({last})")
    outcome = shell("migrate", environment={"DATABASE_URL": this_database()})
    assert outcome.returncode == 3
    assert b"lacks a right" in outcome.stderr
    assert b"Traceback" not in outcome.stderr


def test_grant__before_the_tables_are_there__not_migrated(committed: Users, role: str) -> None:
    with as_owner():
        run_sql("ALTER TABLE governance_ledgerentry RENAME TO governance_elsewhere")
    assert refusal(role, "--apply") == "not_migrated"


@with_app_role
def test_migrate__with_an_owner__opens_its_tables_to_the_application(committed: Users) -> None:
    assert has_two_roles()
    assert application_role() == app_role()
    complete = rights()
    with as_owner():
        run_sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {app_role()}")
        run_sql(f"GRANT DELETE ON governance_ledgerentry TO {app_role()}")
    call_command("migrate", plan=True, verbosity=0)
    assert rights() != complete
    call_command("migrate", verbosity=0)
    assert rights() == complete


def test_migrate__of_a_database_of_an_earlier_version__refused(committed: Users) -> None:
    made = "INSERT INTO django_migrations (app, name, applied) VALUES (%s, '0001_initial', now())"
    with connections["owner"].cursor() as cursor:
        cursor.execute(made, ["governance"])
    for arguments in ([], ["--check"], ["--plan"]):
        ran = run("migrate", *arguments)
        assert (ran.code, ran.out) == (1, "")
        assert "Use a new database" in ran.err
        assert ran.err.endswith("(earlier_version)\n")


@with_app_role
def test_command__under_a_role_without_rights__says_what_to_do(committed: Users) -> None:
    with as_owner():
        run_sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {app_role()}")
    ran = run("verify_ledger")
    assert ran.code == 3
    assert "grant_app_role" in ran.err


@with_app_role
def test_check__of_the_applications_role__is_content(committed: Users) -> None:
    assert check_application_role() == []


@with_app_role
def test_check__of_an_owner_or_a_right_too_many__warns(committed: Users) -> None:
    with as_owner():
        [warning] = check_application_role()
    assert warning.id == "governance.W001"
    assert "more than add to the record" in warning.msg
    owner_says(f"GRANT UPDATE (body) ON governance_ledgerentry TO {app_role()}")
    [warning] = check_application_role()
    assert "UPDATE (body) on governance_ledgerentry" in warning.msg


@with_app_role
def test_check__of_a_role_that_nothing_was_opened_to__is_content(committed: Users) -> None:
    """Accept a role without privileges, as on a new or a single-role database."""
    with as_owner():
        run_sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {app_role()}")
        run_sql(f'GRANT TEMPORARY ON DATABASE "{connection.settings_dict["NAME"]}" TO PUBLIC')
    assert check_application_role() == []


def test_check__without_a_database__passes() -> None:
    outcome = shell(
        "check", "--deploy", environment={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}
    )
    assert outcome.returncode == 0
    assert b"governance.I001" in outcome.stderr
