"""The base class of all management commands: help text, the acting user, errors and exit codes.

A command calls one flow and prints its result. Exit codes are for scripts: 0 done, 1 refused
(wholly or in part), 2 used wrongly, 3 the database cannot be reached or is not migrated.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import Any, ClassVar, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter
from django.db import InterfaceError, OperationalError, ProgrammingError

from governance.domain.errors import GovernanceError, UserNotFoundError, WrongPersonError
from governance.domain.roles import Role
from governance.domain.strict_json import require_plain_json
from governance.domain.visible_text import visible_document
from governance.management.values import printable
from governance.models import Account

REFUSED = 1
NO_DATABASE = 3
INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
OUTPUT_CLOSED = 128 + signal.SIGPIPE

EXIT_CODES = {
    0: "done",
    REFUSED: "refused, wholly or in part; the reasons are on standard error",
    2: "the command was used wrongly",
    NO_DATABASE: "the database cannot be reached, is not migrated, or denies the command a right",
}


# The options that Django adds to every command.
_DJANGO_OPTIONS = (
    *("verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color"),
    *("skip_checks", "stdout", "stderr"),
)

# The message for each SQLSTATE that the person at the terminal can do something about.
_ADVICE = {
    "42P01": "The database is not migrated. Run `manage.py migrate` first.",
    "42501": "The database role of this command lacks a right ({}). Run `manage.py migrate`, or "
    "have the owner of the tables run `manage.py grant_app_role`.",
}


class PartlyRefused(Exception):  # noqa: N818 - an outcome, not an error
    """The outcome of a command that printed its refusals itself: exit code 1."""

    exit_code = REFUSED


class _HelpFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """A help formatter that keeps the line breaks of help texts and examples."""


class GovernanceCommand(BaseCommand):
    """A management command with an acting user, errors for people, and exit codes for scripts.

    A subclass sets `help`, `examples` (command lines) and, if it writes, the `permission` or the
    `role` that the user needs: then `--as USER` is required, and `run` gets that user as `actor`.
    `has_json` adds `--json`.
    `run` lets every GovernanceError pass; this class prints it as `error: message (code)` on
    standard error.
    """

    permission: ClassVar[str] = ""
    role: ClassVar[Role | None] = None
    has_json: ClassVar[bool] = False
    examples: ClassVar[tuple[str, ...]] = ()
    exit_codes: ClassVar[dict[int, str]] = {}

    as_json = False

    def run(self, *args: Any, **options: Any) -> None:
        """Do the work of the command; override this instead of `handle`.

        Args:
            options: The command's own arguments by name, parsed; `actor` is an Account if
                `--as` is required. `--json` is not among them, but is `as_json` of the command.
        """
        raise NotImplementedError

    # --- called by Django ---
    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.setdefault("formatter_class", _HelpFormatter)
        kwargs.setdefault("epilog", self._epilog())
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if self.permission or self.role:
            needed = f"be in the group {self.role}" if self.role else f"have {self.permission}"
            parser.add_argument(
                "--as",
                dest="actor",
                metavar="USER",
                required=True,
                help="The user who acts, and whom the ledger entries of this command name. The "
                f"user must {needed}.",
            )
        if self.has_json:
            parser.add_argument(
                "--json",
                dest="as_json",
                action="store_true",
                help="Print the result as one JSON document on standard output.",
            )
        return parser

    def handle(self, *args: Any, as_json: bool = False, **options: Any) -> None:
        self.as_json = as_json
        if self.permission or self.role:
            options["actor"] = require_actor(options["actor"], self.permission, self.role)
        self.run(**{name: options[name] for name in options if name not in _DJANGO_OPTIONS})

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
            # The reader of the pipe is gone: without this, Python's flush at exit fails again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(OUTPUT_CLOSED)
        except OSError as error:
            self._complain(str(error))
            sys.exit(REFUSED)
        except KeyboardInterrupt:
            self._complain("interrupted")
            sys.exit(INTERRUPTED)

    # --- for subclasses ---
    def report(self, document: Any, *lines: str) -> None:
        """Print the result on standard output: `document` with `--json`, otherwise `lines`.

        Times and ids in `document` become text.
        """
        if self.as_json:
            lines = (visible_document(document, indent=2, default=str),)
        for line in lines:
            self.stdout.write(line)

    def note(self, text: str) -> None:
        """Print one line on standard error: a remark for people that is not part of the data."""
        self.stderr.write(text, self.style.NOTICE)

    def _complain(self, text: str) -> None:
        self.stderr.write(f"error: {text}", self.style.ERROR)

    def _epilog(self) -> str:
        lines = []
        if self.examples:
            lines += ["examples:", *(f"  manage.py {example}" for example in self.examples), ""]
        codes = EXIT_CODES | self.exit_codes
        lines += ["exit codes:", *(f"  {code:<4} {codes[code]}" for code in sorted(codes))]
        return "\n".join(lines)


def require_actor(username: str, permission: str, role: Role | None = None) -> Account:
    """Return the active user of that name, if the user has the role, or else the permission.

    Raises:
        InvalidInputError: `username` contains characters that the database cannot store.
        UserNotFoundError: There is no active user of that name.
        WrongPersonError: The user lacks the role or the permission.
    """
    require_plain_json(username, "--as")
    person = Account.objects.filter(username=username, is_active=True).first()
    if person is None:
        raise UserNotFoundError(f"There is no active user {username!r}.")
    if role and not person.has_role(role):
        raise WrongPersonError(f"{username} is not in the group {role}.")
    if not role and not person.has_perm(permission):
        raise WrongPersonError(f"{username} lacks the permission {permission}.")
    return person


def _leave_orderly(*_: Any) -> NoReturn:
    """Exit by SystemExit on SIGTERM, so that transactions roll back and exit handlers run.

    One exit handler stops the embedded server.
    """
    sys.exit(TERMINATED)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
