"""A small world to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from governance.demo.load_demo import load_demo
from governance.demo.people import Login
from governance.management.base import GovernanceCommand


class Command(GovernanceCommand):
    help = """Fill an empty database with a demo: an invented library's website.

Fourteen proposals in every state worth seeing, jobs half way, finished and failed, evidence,
verdicts and health signals; and the people for it, whose passwords are printed once. Refused
where there is any user or contract. It needs no --as: nobody is there yet who could ask."""

    examples = ("load_demo",)
    exit_codes = {1: "the database is not empty"}

    def run(self, **options: Any) -> None:
        for line in password_lines(load_demo(at=timezone.now())):
            self.say(line)


def password_lines(logins: Sequence[Login]) -> list[str]:
    """The lines that show the passwords."""
    return [
        "The demo is loaded. These passwords are shown this once:",
        *(f"  {login.username:<9} {login.password}   {login.purpose}" for login in logins),
        "  (a new one: manage.py changepassword USER)",
    ]
