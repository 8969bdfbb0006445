"""Drop the one guard that the environment variable DROPPED_GUARD names, as `kind: name`.

With the variable, every run of pytest has a database or a program without that guard:

    DROPPED_GUARD="trigger: governance_jobstep.job_step_written_once" pytest -x tests/database
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from governance.models.sql import installable_statements

VARIABLE = "DROPPED_GUARD"
KINDS = ("trigger", "constraint", "refusal", "function")


def drop_from_database(cursor: Any, guard: str) -> None:
    """Drop a trigger, a constraint or a refusal; the cursor is of the tables' owner."""
    kind, name = guard.split(": ", 1)
    if kind == "trigger":
        table, trigger = name.split(".")
        cursor.execute(f'DROP TRIGGER "{trigger}" ON "{table}"')
    elif kind == "constraint":
        _drop_constraint(cursor, name)
    elif kind == "refusal":
        _mute_refusal(cursor, name)


def drop_function(guard: str) -> None:
    """Replace a guard in Python by a function that refuses nothing.

    Other modules have imported the function by its name, so its code is replaced and not its name.
    """
    kind, name = guard.split(": ", 1)
    if kind == "function":
        module, _, attribute = name.rpartition(".")
        function = inspect.unwrap(getattr(import_module(module), attribute))
        function.__defaults__ = function.__kwdefaults__ = None
        function.__code__ = REPLACEMENTS.get(attribute, pass_everything).__code__


def dropped_guard() -> str:
    """Return the guard that the environment names, or "" if it names none."""
    guard = os.environ.get(VARIABLE, "")
    if guard and guard.split(": ", 1)[0] not in KINDS:
        raise ValueError(f"{VARIABLE} is {guard!r}, but must begin with one of {KINDS}.")
    return guard


def _drop_constraint(cursor: Any, name: str) -> None:
    cursor.execute("SELECT conrelid::regclass FROM pg_constraint WHERE conname = %s", [name])
    if found := cursor.fetchone():
        cursor.execute(f'ALTER TABLE {found[0]} DROP CONSTRAINT "{name}" CASCADE')
    else:  # a unique constraint with a condition is only an index
        cursor.execute(f'DROP INDEX "{name}"')


def _mute_refusal(cursor: Any, name: str) -> None:
    """Let `governance_refuse` return for one guard and message, so that the caller goes on."""
    guard, message = name.split(": ", 1)
    pattern = message.replace("%s", "%").replace("'", "''") + "%"
    condition = f"IF guard = '{guard}' AND message LIKE '{pattern}' THEN RETURN; END IF;"
    for statement in installable_statements("refuse"):
        cursor.execute(statement.replace("BEGIN\n", f"BEGIN\n    {condition}\n", 1))


def pass_everything(*arguments: Any, **named: Any) -> None:
    """Replace a guard that returns nothing."""


def _return_text(reason: str) -> str:
    return reason


def _return_status(contract: Any, target: Any) -> Any:
    return contract.status


def _return_false(contract: Any) -> bool:
    return False


# What replaces a guard whose caller needs a value.
REPLACEMENTS: dict[str, Callable[..., Any]] = {
    "require_decision_reason": _return_text,
    "require_cancellation_reason": _return_text,
    "require_move": _return_status,
    "needs_confirmation": _return_false,
}
