"""A client of the API gets its token."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.utils import timezone

from governance.domain.roles import Role
from governance.domain.tokens import (
    DEFAULT_TOKEN_DAYS,
    TOKEN_DAYS,
    TOKEN_VERBS,
)
from governance.management.base import GovernanceCommand
from governance.management.tokens import report_new_token
from governance.management.values import number_in
from governance.services.access.tokens import issue_token


def _role(text: str) -> Role:
    try:
        return Role(text.capitalize())
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a role: {', '.join(Role)}") from None


class Command(GovernanceCommand):
    help = """Make a token for the API, and print it: once, for only its hash is kept.

It belongs to a service account, which nobody can log in with. The account is put into the group of
the role, whose permissions the token then carries: all of them, or only those named by --verb, and
for every contract, or only for those about nothing but what --capability names. Send it as
"Authorization: Bearer TOKEN"."""

    # Handing out a role is managing users; none of the chain's own roles may do that.
    permission = "governance.change_account"
    has_json = True
    examples = (
        "create_api_token deployer --role Executor --create --as admin",
        "create_api_token outside-auditor --role Auditor --days 30 --as admin --json",
        "create_api_token search-worker --role Executor --create --name 'search, rack 3'"
        " --verb execute_job --verb view_jobstep --capability Search --as admin",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="USER", help="Whose token it is.")
        parser.add_argument(
            "--role",
            required=True,
            type=_role,
            metavar="ROLE",
            help="What the account may do: " + ", ".join(Role) + ".",
        )
        parser.add_argument(
            "--days",
            metavar="N",
            type=number_in(TOKEN_DAYS),
            default=DEFAULT_TOKEN_DAYS,
            help="How long the token is good, 1 to 365 (default: %(default)s).",
        )
        parser.add_argument(
            "--create",
            action="store_true",
            help="If there is no such account, make a service account that cannot log in.",
        )

        parser.add_argument(
            "--name", metavar="TEXT", default="", help="What the token is for, in lists."
        )
        parser.add_argument(
            "--verb",
            dest="verbs",
            action="append",
            choices=tuple(TOKEN_VERBS),
            metavar="VERB",
            help="The token may do this and nothing else; may be given several times: "
            + ", ".join(TOKEN_VERBS)
            + ". Without it: all that the account may.",
        )
        parser.add_argument(
            "--capability",
            dest="capabilities",
            action="append",
            metavar="NAME",
            help="The token reaches only contracts that affect nothing but capabilities named "
            "so, and their jobs; may be given several times. SYSTEM has to be named, too. "
            "Without it: every contract.",
        )

    def run(self, **options: Any) -> None:
        token, text = issue_token(
            username=options["username"],
            role=options["role"],
            days=options["days"],
            create=options["create"],
            actor=options["actor"],
            at=timezone.now(),
            name=options["name"],
            verbs=options["verbs"],
            capabilities=options["capabilities"],
        )
        report_new_token(self, token, text, role=options["role"], as_json=options["as_json"])
