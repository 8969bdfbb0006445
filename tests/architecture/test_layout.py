"""Tests of the folder layout, for what import contracts cannot check."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOVERNANCE = ROOT / "governance"
# The authorities in the order of the chain, which `governance/authorities/__init__.py` names.
CHAIN = [
    *("validator", "eligibility", "contract", "review"),
    *("orchestrator", "executor", "health", "audit"),
]


def test_top_of_governance__is_fourteen_entries_at_most() -> None:
    entries = {path.name for path in GOVERNANCE.iterdir() if path.name != "__pycache__"}
    assert len(entries) <= 14, sorted(entries)


def test_authorities__are_the_chain_in_its_order() -> None:
    folders = {path.parent.name for path in GOVERNANCE.glob("authorities/*/__init__.py")}
    assert folders == set(CHAIN)
    order = (GOVERNANCE / "authorities/__init__.py").read_text().splitlines()[0]
    assert ", ".join(CHAIN) in order


@pytest.mark.parametrize(
    "folder", ["authorities", "services", "record", "flows", "domain", "models"]
)
def test_folder__knows_nothing_of_http(folder: str) -> None:
    imported = {
        name
        for path in (GOVERNANCE / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    web = ("django.http", "django.urls", "django.shortcuts", "django.views", "django.contrib.admin")
    assert not [name for name in imported if name.startswith(web)]
