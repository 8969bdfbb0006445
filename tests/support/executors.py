"""Executors as processes of their own: `manage.py run_executor`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.commands import ROOT
from tests.support.handlers import GATE, NOTES

# An executor uses only the API: with this address, any use of a database fails.
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
    """Start an executor with a handler of `tests.support.handlers`; kill it after the block.

    Args:
        notes: The file that NoteSteps appends to.
        gate: The named pipe that WaitAtGate reads.
    """
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
