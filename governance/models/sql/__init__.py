"""The SQL functions, views and database guards, one SQL file each, and their migration step.

`functions/` has functions that code and triggers call, and `views/` has views. `triggers/` has the
database guards: the functions of a rule with its triggers, which are ENABLE ALWAYS. A migration
that adds or changes a file names it in `InstallSql`; a file can be run repeatedly. Tests compare
the catalogue with the files, and check that no file has what a schema or a cluster cannot install.

In a file `@schema@` is a placeholder for the site's schema (`GOVSITE_SCHEMA`), quoted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlparse
from django.apps import apps
from django.conf import settings
from django.db.migrations.operations.base import Operation

FOLDER = Path(__file__).parent
SCHEMA = "@schema@"

_WORD = re.compile(r"\w+")
_TRIGGER = re.compile(r"^CREATE (?:CONSTRAINT )?TRIGGER (\w+)\b.*?\bON\s+(\w+)", re.M | re.S)


def sql_files() -> list[str]:
    """List the names of all SQL files, in an order in which they can be installed."""
    functions, views, triggers = (
        sorted(path.stem for path in (FOLDER / kind).glob("*.sql"))
        for kind in ("functions", "views", "triggers")
    )
    return [*functions, *views, *triggers]


def read_sql(name: str) -> str:
    """Read the text of an SQL file, with its placeholders."""
    [path] = FOLDER.glob(f"*/{name}.sql")
    return path.read_text(encoding="utf-8")


def installable_statements(name: str, *, schema: str | None = None) -> list[str]:
    """List the statements of an SQL file for `schema`, by default that of the settings.

    Each statement is executed by itself, because a pooler or a cluster refuses several at once.
    """
    quoted = quote_identifier(schema or settings.GOVSITE_SCHEMA)
    statements = sqlparse.split(read_sql(name).replace(SCHEMA, quoted), strip_semicolon=True)
    return [installed for statement in statements for installed in _repeatable(statement)]


def _repeatable(statement: str) -> list[str]:
    """Make the creation of a trigger repeatable, and let the trigger fire in replication too."""
    found = _TRIGGER.search(statement)
    if found is None:
        return [statement]
    name, table = found.groups()
    return [
        f"DROP TRIGGER IF EXISTS {name} ON {table}",
        statement,
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}",
    ]


def quote_identifier(name: str) -> str:
    """Quote a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


class InstallSql(Operation):
    """A migration step that installs the present SQL files, one statement per execution.

    Without names it installs all. In both cases it leaves out a file that mentions a table or a
    column that a later migration creates: that migration names the file. The reverse step does
    nothing: the triggers go with their tables.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names = list(names)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__name__, [], {"names": self.names} if self.names else {})

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change no model."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        to_come = _names_to_come(app_label, to_state)
        for name in self.names or sql_files():
            if not to_come.isdisjoint(_WORD.findall(read_sql(name))):
                continue
            for statement in installable_statements(name):
                schema_editor.execute(statement, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Change nothing."""

    def describe(self) -> str:
        return "Install SQL: " + (", ".join(self.names) or "functions and triggers")


def _names_to_come(app_label: str, state: Any) -> set[str]:
    """Return the names of the tables and columns that later migrations create.

    A column whose name another table has already does not count: a file may mean that one.
    """
    names: set[str] = set()
    present: set[str] = set()
    for name, model in apps.all_models[app_label].items():
        known = state.models.get((app_label, name))
        if known is None and not model._meta.auto_created:
            names.add(model._meta.db_table)
        elif known is not None:
            for field in model._meta.concrete_fields:
                (present if field.name in known.fields else names).add(str(field.column))
    return names - present
