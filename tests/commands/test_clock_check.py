"""A replaced clock of the database is named by `verify_ledger` and `check --deploy`."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from governance.db.clock import database_now, is_clock_replaced
from governance.management.clock_check import CLOCK_REPLACED, check_clock
from governance.models.sql import installable_statements
from tests.support.attacks import run_sql
from tests.support.factories import now
from tests.support.roles import as_owner

pytestmark = pytest.mark.django_db


def install_clock() -> None:
    """Install the clock of the product, because the suite's own is adjustable."""
    with as_owner():
        run_sql(installable_statements("now")[0])


def test_clock_of_the_product__is_named_by_nothing() -> None:
    install_clock()
    out, err = StringIO(), StringIO()
    call_command("verify_ledger", "--json", stdout=out, stderr=err)
    assert not is_clock_replaced()
    assert check_clock() == []
    assert json.loads(out.getvalue())["clock_replaced"] is False
    assert CLOCK_REPLACED not in err.getvalue()
    assert abs((database_now() - now()).total_seconds()) < 5


def test_clock_of_another_body__is_named() -> None:
    install_clock()
    with as_owner():
        run_sql(
            "CREATE OR REPLACE FUNCTION governance_now() RETURNS timestamptz LANGUAGE sql AS"
            " $$ SELECT clock_timestamp() - interval '1 year' $$"
        )
    out, err = StringIO(), StringIO()
    call_command("verify_ledger", "--json", stdout=out, stderr=err)
    [warning] = check_clock()
    assert (warning.msg, warning.id) == (CLOCK_REPLACED, "governance.W002")
    assert json.loads(out.getvalue())["clock_replaced"] is True
    assert CLOCK_REPLACED in err.getvalue()
