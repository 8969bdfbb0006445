"""Every room of the house opens with its promise, and looks like its neighbours."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAGES = ["registry", "contract", "review", "orchestrator", "health", "audit"]
STAGES += ["ledger", "retention"]


@pytest.mark.parametrize("stage", STAGES)
def test_stage__opens_with_what_it_reads_writes_and_refuses(stage: str) -> None:
    promise = ast.get_docstring(
        ast.parse((ROOT / "governance" / stage / "__init__.py").read_text())
    )
    assert promise
    words = promise.lower()
    assert "reads" in words
    assert "write" in words
    assert "refuses" in words


def test_every_folder_of_the_chain__is_a_package_with_a_docstring() -> None:
    folders = [
        path.parent
        for path in (ROOT / "governance").glob("*/__init__.py")
        if path.parent.name not in {"migrations", "management"}
    ]
    silent = [
        f.name for f in folders if not ast.get_docstring(ast.parse((f / "__init__.py").read_text()))
    ]
    assert silent == []
    assert len(folders) >= len(STAGES)


@pytest.mark.parametrize("stage", [*STAGES, "flows", "vocabulary", "models"])
def test_stage__knows_nothing_of_http(stage: str) -> None:
    imported = {
        name
        for path in (ROOT / "governance" / stage).rglob("*.py")
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
