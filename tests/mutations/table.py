"""The table of mutations: each guard, and the tests that fail without it."""

from __future__ import annotations

import tomllib
from pathlib import Path

PATH = Path(__file__).with_name("table.toml")


def read_table() -> dict[str, list[str]]:
    """Read the table; a guard is named by its kind and its name, as DROPPED_GUARD names it."""
    kinds = tomllib.loads(PATH.read_text(encoding="utf-8"))
    return {
        f"{kind}: {name}": tests for kind, rows in kinds.items() for name, tests in rows.items()
    }
