"""Helpers that run management commands, and write the files that the commands read."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from django.db import connection

from govsite.embedded import APP_ROLE
from tests.support.factories import MAY, THREE_CHANGES, VALIDATOR_VERDICT

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class CommandResult:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def run(name: str, *arguments: object, out: io.TextIOBase | None = None) -> CommandResult:
    """Run a command as `manage.py` does, in this process and on this test's database.

    Args:
        out: Where standard output goes instead of the result's `out`.
    """
    command = load_command_class(get_commands()[name], name)
    out, err = out or io.StringIO(), io.StringIO()
    command.stdout._out, command.stderr._out = out, err
    code = 0
    on_sigterm = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        # BaseCommand closes all connections at its end, and the test still needs them.
        patch.setattr("django.core.management.base.connections.close_all", lambda: None)
        patch.setattr(sys, "stderr", err)
        try:
            command.run_from_argv(["manage.py", name, *map(str, arguments)])
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        finally:
            signal.signal(signal.SIGTERM, on_sigterm)
    return CommandResult(
        code, out.getvalue() if isinstance(out, io.StringIO) else "", err.getvalue()
    )


def shell(
    *arguments: object, environment: Mapping[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run `manage.py` with these arguments in a process of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | (environment or {}),
        capture_output=True,
        timeout=120,
        check=False,
        **options,
    )


def this_database() -> str:
    """Return the DATABASE_URL of this test's database, under the role of the application.

    The test is skipped on a server that DATABASE_URL names, whose password is not known here.
    """
    if os.environ.get("DATABASE_URL"):
        pytest.skip("needs the embedded server's address")
    folder = connection.get_connection_params()["host"]
    return f"postgresql://{APP_ROLE}@/{connection.settings_dict['NAME']}?host={folder}"


def proposal_line(reference: str, **changes: Any) -> dict[str, Any]:
    """Return a valid line for `import_contracts`; `changes` replaces fields."""
    return {
        "reference": reference,
        "release": "v1",
        "title": "Bring search to preview",
        "body": "Support asked for it.",
        "requested_by": "support",
        "group": "discovery",
        "affected_capabilities": ["Search"],
        "proposed_changes": THREE_CHANGES,
        "risk_level": "medium",
        "validator_verdict": VALIDATOR_VERDICT,
        "eligibility_verdict": MAY,
    } | changes


def write_lines(path: Path, lines: Sequence[Any]) -> Path:
    """Write a file of JSON lines; a line that is text or bytes is written unchanged."""
    path.write_bytes(b"".join(_encoded(line) + b"\n" for line in lines))
    return path


def _encoded(line: Any) -> bytes:
    if isinstance(line, bytes):
        return line
    return line.encode() if isinstance(line, str) else json.dumps(line).encode()
