"""The SQL functions and triggers in the database: compared with the files, and installed again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connections, transaction

from governance.models.sql import installable_statements, sql_files

# The clock has a check of its own (`clock.py`), because the demo and tests replace it on purpose.
_CLOCK = "governance_now"
_FUNCTION = re.compile(r"^CREATE OR REPLACE FUNCTION (\w+)\(", re.M)
_BODY = re.compile(r"\bAS \$\$(.*)\$\$", re.S)
_TRIGGER = re.compile(r"^ALTER TABLE (\w+) ENABLE ALWAYS TRIGGER (\w+)$")
_INSTALLED_FUNCTIONS = """
    SELECT proname, prosrc FROM pg_proc
     WHERE pronamespace = to_regnamespace(quote_ident(%s)) AND proname LIKE 'governance\\_%%'
"""
_INSTALLED_TRIGGERS = """
    SELECT relname, tgname, tgenabled = 'A' FROM pg_trigger
      JOIN pg_class ON pg_class.oid = tgrelid
     WHERE relnamespace = to_regnamespace(quote_ident(%s)) AND NOT tgisinternal
       AND relname LIKE 'governance\\_%%'
"""


def guard_problems(*, using: str) -> list[str]:
    """List, as phrases, the functions and triggers that differ from the SQL files."""
    with connections[using].cursor() as cursor:
        cursor.execute(_INSTALLED_FUNCTIONS, [settings.GOVSITE_SCHEMA])
        bodies = dict(cursor.fetchall())
        cursor.execute(_INSTALLED_TRIGGERS, [settings.GOVSITE_SCHEMA])
        is_on = {(table, name): on for table, name, on in cursor.fetchall()}
    return [*_function_problems(bodies), *_trigger_problems(is_on)]


def install_guards(*, using: str) -> None:
    """Install every function and trigger of the SQL files again, in one transaction of the owner.

    Args:
        using: the alias of the connection of the tables' owner.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        for statement in _statements():
            cursor.execute(statement)


def _function_problems(bodies: dict[str, str]) -> Iterator[str]:
    for statement in _statements():
        if (found := _FUNCTION.search(statement)) is None:
            continue
        name, body = found[1], _BODY.search(statement)
        if name not in bodies:
            yield f"the function {name} is missing"
        # A function without quotes (`RETURN …`) has no text in the catalogue to compare.
        elif body and name != _CLOCK and bodies[name] != body[1]:
            yield f"the function {name} has another body"


def _trigger_problems(is_on: dict[tuple[Any, Any], bool]) -> Iterator[str]:
    wanted = [found.groups() for one in _statements() if (found := _TRIGGER.match(one))]
    for table, name in wanted:
        if (table, name) not in is_on:
            yield f"the trigger {name} of {table} is missing"
        elif not is_on[table, name]:
            yield f"the trigger {name} of {table} is off"
    for table, name in sorted(set(is_on) - set(wanted)):
        yield f"the trigger {name} of {table} is none of govsite's"


def _statements() -> Iterator[str]:
    for name in sql_files():
        yield from installable_statements(name)
