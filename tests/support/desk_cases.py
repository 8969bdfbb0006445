"""The proposals that a founder's pages once showed wrongly, if they are beside this checkout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "desk.jsonl"


def given(*ids: str) -> list[str]:
    """Return the import lines of the given cases; skip the test without the file."""
    if not CASES.exists():
        pytest.skip("the given cases are not beside this checkout")
    cases = [json.loads(line) for line in CASES.read_text().splitlines()]
    lines = {case["id"]: case["line"] for case in cases}
    return [lines[name] for name in ids]
