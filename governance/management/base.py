"""What every command shares: help for a stranger, who acts, how a refusal sounds, exit codes.

A command of ours calls one flow and says what came of it. Exit codes are for scripts:
0 done, 1 refused (all or in part), 2 used wrongly, 3 the database is not there or not migrated.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from typing import Any, ClassVar, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter
from django.db import InterfaceError, OperationalError, ProgrammingError

from governance.domain.canonical import require_plain_json
from governance.domain.errors import (
    GovernanceError,
    NotFoundError,
    WrongPersonError,
)
from governance.management.values import printable
from governance.models import Account

REFUSED = 1
NO_DATABASE = 3
INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
OUTPUT_CLOSED = 128 + signal.SIGPIPE

EXIT_CODES = {
    0: "done",
    REFUSED: "refused, or refused in part; what and why is on standard error",
    2: "the command was used wrongly",
    NO_DATABASE: "the database cannot be reached, is not migrated, or is closed to our role",
}


# What PostgreSQL's state means to who runs a command.
_ADVICE = {
    "42P01": "The database is not migrated: run `manage.py migrate` first.",
    "42501": "The role we run as lacks a right ({}): run `manage.py migrate`, or have the owner of "
    "the tables run `manage.py grant_app_role`.",
}


class PartlyRefused(Exception):  # noqa: N818 - an outcome, not an error
    """The command did what could be done, and the rest is told already: exit code 1."""

    exit_code = REFUSED


class _HelpFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of examples as they are written."""


class GovernanceCommand(BaseCommand):
    """A command in the words of the chain.

    A subclass sets `help`, `examples` (command lines) and, if it writes, `permission`: then
    `--as USER` is required and `run` gets that user as `actor`. `has_json` adds `--json`.
    Refusals (GovernanceError) leave `run` as they are; this class turns them into
    `error: message (code)` on standard error.
    """

    permission: ClassVar[str] = ""
    has_json: ClassVar[bool] = False
    examples: ClassVar[tuple[str, ...]] = ()
    exit_codes: ClassVar[dict[int, str]] = {}

    def run(self, *args: Any, **options: Any) -> None:
        """Do the work; `options` are the arguments by name, `actor` a user where one acts."""
        raise NotImplementedError

    # --- what Django calls ---
    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.setdefault("formatter_class", _HelpFormatter)
        kwargs.setdefault("epilog", self._epilog())
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if self.permission:
            parser.add_argument(
                "--as",
                dest="actor",
                metavar="USER",
                required=True,
                help="The user who does this: the actor in the ledger. "
                f"Needs the permission {self.permission}.",
            )
        if self.has_json:
            parser.add_argument(
                "--json",
                dest="as_json",
                action="store_true",
                help="Print the outcome as one JSON document on standard output.",
            )
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        if self.permission:
            options["actor"] = require_actor(options["actor"], self.permission)
        self.run(**options)

    def run_from_argv(self, argv: list[str]) -> None:
        signal.signal(signal.SIGTERM, _leave_orderly)
        try:
            super().run_from_argv(argv)
            self.stdout.flush()
        except PartlyRefused as refusal:
            if str(refusal):
                self._complain(str(refusal))
            sys.exit(refusal.exit_code)
        except GovernanceError as refusal:
            self._complain(f"{printable(str(refusal))} ({refusal.code})")
            sys.exit(REFUSED)
        except (OperationalError, InterfaceError) as error:
            self._complain(f"The database cannot be reached: {_first_line(error)}")
            sys.exit(NO_DATABASE)
        except ProgrammingError as error:
            if (advice := _ADVICE.get(getattr(error.__cause__, "sqlstate", None) or "")) is None:
                raise
            self._complain(advice.format(_first_line(error)))
            sys.exit(NO_DATABASE)
        except ImproperlyConfigured as error:
            self._complain(str(error))
            sys.exit(NO_DATABASE)
        except BrokenPipeError:
            # Whoever read our output left; Python must not try to flush it again at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(OUTPUT_CLOSED)
        except OSError as error:
            self._complain(str(error))
            sys.exit(REFUSED)
        except KeyboardInterrupt:
            self._complain("interrupted")
            sys.exit(INTERRUPTED)

    # --- for subclasses ---
    def say(self, text: str = "") -> None:
        """One line on standard output."""
        self.stdout.write(text)

    def note(self, text: str) -> None:
        """One line on standard error, for people beside the data."""
        self.stderr.write(text, self.style.NOTICE)

    def print_json(self, value: Any) -> None:
        """`value` on standard output as readable JSON; times and ids as text."""
        self.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str))

    def _complain(self, text: str) -> None:
        self.stderr.write(f"error: {text}", self.style.ERROR)

    def _epilog(self) -> str:
        lines = []
        if self.examples:
            lines += ["examples:", *(f"  manage.py {example}" for example in self.examples), ""]
        codes = EXIT_CODES | self.exit_codes
        lines += ["exit codes:", *(f"  {code:<4} {codes[code]}" for code in sorted(codes))]
        return "\n".join(lines)


def require_actor(username: str, permission: str) -> Account:
    """The active user of that name, if they hold `permission`.

    Raises InvalidInputError for what is no text, NotFoundError (`user_not_found`), or
    WrongPersonError (`not_permitted`).
    """
    require_plain_json(username, "--as")
    person = Account.objects.filter(username=username, is_active=True).first()
    if person is None:
        raise NotFoundError(f"There is no active user {username!r}.", code="user_not_found")
    if not person.has_perm(permission):
        raise WrongPersonError(f"{username} lacks the permission {permission}.")
    return person


def _leave_orderly(*_: Any) -> NoReturn:
    """On SIGTERM: roll back and run what is due at exit, such as stopping the embedded server."""
    sys.exit(TERMINATED)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
