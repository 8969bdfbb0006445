"""Executors as processes: `manage.py run_executor`, as an operator starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.commands import ROOT
from tests.support.handlers import GATE, NOTES

# An executor speaks HTTP: it needs no database, and must not look for ours.
NO_DATABASE = "postgresql://nobody@127.0.0.1:1/nothing"


@contextmanager
def executor_process(
    url: str,
    token: str,
    *options: str,
    handler: str = "NoteSteps",
    notes: Path,
    gate: Path | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """The process, with a handler of `tests.support.handlers`; killed if it is still there."""
    environment = {"DATABASE_URL": NO_DATABASE, "GOVSITE_TOKEN": token, NOTES: str(notes)}
    process = subprocess.Popen(
        [
            *(sys.executable, "manage.py", "run_executor", "--url", url),
            *("--handler", f"tests.support.handlers:{handler}", *options),
        ],
        cwd=ROOT,
        env=os.environ | environment | {GATE: str(gate)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()
