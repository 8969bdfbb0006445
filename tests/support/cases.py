"""The acceptance cases of the chain, if they are on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).resolve().parents[3] / "shared" / "cases" / "chain.jsonl"

needs_cases = pytest.mark.skipif(
    not FILE.exists(), reason="the acceptance cases (shared/cases) are not on this machine"
)


def cases_of(stage: str) -> list[dict[str, Any]]:
    """Return the cases of a stage of the chain; none if the file is absent."""
    if not FILE.exists():
        return []
    cases = map(json.loads, FILE.read_text().splitlines())
    return [case for case in cases if case["stage"] == stage]
