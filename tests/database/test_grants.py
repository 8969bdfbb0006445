"""The table of grants: complete, no wider than what the code writes, and in force."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.db import connection

from governance.authorities.contract import operations
from governance.db.app_role import excess_rights, role_privileges
from governance.db.grants import GRANTS, grant_statements, sql_functions
from governance.models import SystemContract
from governance.models.sql import quote_identifier, read_sql, sql_files
from tests.support.attacks import run_sql
from tests.support.roles import require_app_role

pytestmark = pytest.mark.django_db


def columns(model: type, names: set[str]) -> set[str]:
    return {model._meta.get_field(name).column for name in names}  # type: ignore[attr-defined]


def test_grants__every_table_of_every_app__is_named() -> None:
    models = apps.get_models(include_auto_created=True)
    assert set(GRANTS) == {model._meta.db_table for model in models} | {"django_migrations"}


def test_grants__every_table_in_the_database__is_named() -> None:
    tables = run_sql(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " UNION SELECT viewname FROM pg_views WHERE schemaname = 'public'"
    )
    assert set(GRANTS) == {table for (table,) in tables}


def test_grants__of_contracts__are_the_columns_that_operations_write() -> None:
    written = {"status", "audit_verdict", "review_ends_at", "updated_at"}
    for names in operations._WRITTEN_BY_MOVE.values():
        written.update(names)
    update = GRANTS["governance_systemcontract"].update
    assert set(update) == columns(SystemContract, written)


def test_grants__of_jobs__are_the_columns_that_the_calls_write() -> None:
    text = " ".join(" ".join(read_sql(name) for name in sql_files()).split())
    moved = re.findall(r"UPDATE governance_governancejob(?: running)? SET (.*?) WHERE", text)
    written = set(re.findall(r"(\w+) = ", " ".join(moved)))
    assert set(GRANTS["governance_governancejob"].update) == written


def test_grants__of_accounts__leave_the_id_alone() -> None:
    assert "id" not in GRANTS["governance_account"].update


def test_grants__of_the_trigger_functions__are_all_of_them() -> None:
    functions = run_sql("SELECT proname FROM pg_proc WHERE proname LIKE 'governance\\_%%'")
    assert set(sql_functions()) == {name for (name,) in functions}


def test_role__of_the_application__is_fit_and_has_nothing_beyond() -> None:
    role = require_app_role()
    with connection.cursor() as cursor:
        assert role_privileges(cursor, role=role) == []
        assert excess_rights(cursor, role=role) == []


def test_statements__for_a_name_that_is_hard_to_quote__quote_it() -> None:
    assert quote_identifier('a"; DROP TABLE x; --') == '"a""; DROP TABLE x; --"'
    statements = list(grant_statements(role='a"b', database='c"d'))
    assert all('"a""b"' in text or text.endswith("PUBLIC") for text in statements)
    assert '"c""d"' in statements[0]
