"""Every guard that a mutation drops, found in the database's catalogue, the SQL files and the code.

A guard has a name of two parts: its kind, which is a table of `table.toml`, and its name there.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from governance.models.sql import read_sql, sql_files

ROOT = Path(__file__).resolve().parents[2]

# A check that ends in `_check` is the one of Django's PositiveIntegerField. The tables that join
# accounts with groups and permissions are Django's own.
_CONSTRAINTS = """
    SELECT conname FROM pg_constraint
     WHERE contype IN ('c', 'u', 'x') AND conrelid::regclass::text LIKE 'governance_%'
       AND conname NOT LIKE '%\\_check'
       AND conrelid::regclass::text !~ '^governance_account_'
     UNION
    SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid
     WHERE indisunique AND NOT indisprimary AND indrelid::regclass::text LIKE 'governance_%'
       AND indrelid::regclass::text !~ '^governance_account_'
"""
_TRIGGERS = """
    SELECT tgrelid::regclass || '.' || tgname FROM pg_trigger
     WHERE NOT tgisinternal AND tgname NOT LIKE 'procrastinate%'
"""

# The name of the guard, and the first string of its message.
_REFUSAL = re.compile(r"governance_refuse\(\s*'(\w+)',\s*(?:format\(\s*)?'((?:[^']|'')*)'")

# Modules with these names have the guards of the operations.
_GUARD_FILES = ("guards.py", "policy.py")
# Functions of these modules that refuse nothing and decide nothing.
_NO_GUARDS = {"token_hash"}


def guards_in_database(cursor: Any) -> dict[str, set[str]]:
    """Find the triggers and the constraints in the database's catalogue."""
    found = {}
    for kind, query in (("trigger", _TRIGGERS), ("constraint", _CONSTRAINTS)):
        cursor.execute(query)
        found[kind] = {name for (name,) in cursor.fetchall()}
    return found


def refusals() -> Iterator[str]:
    """Find each call of `governance_refuse` in the SQL files, as `guard: message`."""
    for name in sql_files():
        for guard, message in _REFUSAL.findall(read_sql(name)):
            words = message.replace("''", "'").rstrip()
            yield f"{guard}: {words}"


def functions() -> Iterator[str]:
    """Find the public functions of the modules with guards, by their dotted names."""
    for module in _guard_modules():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_own = inspect.unwrap(function).__module__ == module.__name__
            if is_own and not name.startswith("_") and name not in _NO_GUARDS:
                yield f"{module.__name__}.{name}"


def _guard_modules() -> Iterator[ModuleType]:
    for path in sorted((ROOT / "governance").rglob("*.py")):
        if path.name in _GUARD_FILES:
            yield import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
