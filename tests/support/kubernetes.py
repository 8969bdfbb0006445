"""The real changes from Kubernetes releases, if they are on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "kubernetes"
CHANGES = FOLDER / "changes.jsonl"
CAPABILITIES = FOLDER / "capabilities.json"

needs_real_changes = pytest.mark.skipif(
    not CHANGES.exists(), reason="the real changes (shared/data/kubernetes) are not on this machine"
)


def real_changes() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CHANGES.read_text().splitlines()]
