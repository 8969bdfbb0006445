"""Fill an empty database with a demo: the website of an invented library.

The demo has fourteen contracts in different states, jobs that are running, completed and failed,
evidence, verdicts and health signals, and user accounts whose passwords are printed once. The
command is refused if the database has any user or contract. It has no option --as, because there is
no user yet.
"""

from __future__ import annotations

from collections.abc import Sequence

from governance.demo.load_demo import load_demo
from governance.demo.people import Login
from governance.management.base import GovernanceCommand


class Command(GovernanceCommand):
    help = __doc__

    examples = ("load_demo",)
    exit_codes = {1: "the database is not empty"}

    def run(self) -> None:
        for line in password_lines(load_demo()):
            self.stdout.write(line)


def password_lines(logins: Sequence[Login]) -> list[str]:
    """Return the lines that name each login with its password."""
    return [
        "The demo is loaded. These passwords are shown this once:",
        *(f"  {login.username:<9} {login.password}   {login.purpose}" for login in logins),
        "  (a new one: manage.py changepassword USER)",
    ]
