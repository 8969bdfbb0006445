"""`python -m tests.stress.crash_countdown N COMMAND …`: run a command, and kill it at an act.

An act is a file synced, renamed or removed, an SQL statement, or a commit. Each act counts twice,
before and after it, and at count N the process kills itself with SIGKILL. A command that reaches
its end prints how often it acted, so N = 0 only counts.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
import psycopg
from django.core.management import ManagementUtility
from django.db.backends.base.base import BaseDatabaseWrapper

CONTRACTS_PER_BATCH = 4


class Countdown:
    """A counter that kills its process when it reaches zero."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.acted = 0

    def before_and_after(self, owner: Any, name: str) -> None:
        usual = getattr(owner, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            self.tick()
            done = usual(*arguments, **options)
            self.tick()
            return done

        setattr(owner, name, counted)

    def tick(self) -> None:
        self.acted += 1
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main(left: int, arguments: list[str]) -> None:
    django.setup()
    from governance.record.retention import export, removal

    export.CONTRACTS_PER_BATCH = removal.CONTRACTS_PER_BATCH = CONTRACTS_PER_BATCH
    countdown = Countdown(left)
    counted_calls: list[tuple[Any, str]] = [
        (os, "fsync"),
        (os, "replace"),
        (Path, "unlink"),
        (psycopg.Cursor, "execute"),
        (BaseDatabaseWrapper, "commit"),
    ]
    for owner, name in counted_calls:
        countdown.before_and_after(owner, name)
    run: Callable[[], None] = ManagementUtility(["manage.py", *arguments]).execute
    try:
        run()
    finally:
        sys.stderr.write(f"acted {countdown.acted}\n")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "govsite.settings")
    main(int(sys.argv[1]), sys.argv[2:])
